import { expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { readRowsAfter } from "../../../src/outage/ledger-check.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";

const { signal } = new AbortController();

test("readRowsAfter() takes a table that nobody made for an empty one, and tells why another cannot be read", async () => {
  await using server = await startPostgres({ hba: "local all all trust\nhost all all all scram-sha-256\n" });
  const { host, port, user, database, password } = server;
  const endpoint = { host, port, user, database, password: new Secret(password) };
  expect(await readRowsAfter(endpoint, signal)).toEqual({ rows: new Map() });

  await server.psql("create schema deby; create table deby.canary (id uuid)");
  const id = crypto.randomUUID();
  await server.psql(`insert into deby.canary values ('${id}'), ('${id}')`);
  expect(await readRowsAfter(endpoint, signal)).toEqual({ rows: new Map([[id, 2]]) });

  await server.psql("create role stranger login password 'stranger'");
  const stranger = { ...endpoint, user: "stranger", password: new Secret("stranger") };
  const denied = { rows: undefined, whyUnread: expect.stringContaining("permission denied") };
  expect(await readRowsAfter(stranger, signal)).toEqual(denied);
  const away = { rows: undefined, whyUnread: expect.stringContaining("ECONNREFUSED") };
  expect(await readRowsAfter({ ...endpoint, port: await freePort() }, signal)).toEqual(away);
}, 30_000);
