import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { HostRefused } from "../../../src/database/events.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { openOn, waitForSessions } from "../../support/database.ts";
import { startPgBouncer } from "../../support/pgbouncer.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const hostOf = ({ host, port }: Pick<PostgresServer, "host" | "port">) => ({ host, port });

describe("a primary that takes writes", () => {
  let pair: ReplicatedPair;
  beforeAll(async () => {
    pair = await ReplicatedPair.start(oldestPostgres);
    await pair.primary.psql("CREATE TABLE t (id int)");
    await pair.caughtUp();
  }, 60_000);
  afterAll(() => pair[Symbol.asyncDispose]());

  test("is not left for its standby because it is full", async () => {
    const { primary, standby } = pair;
    await primary.psql("CREATE ROLE few LOGIN PASSWORD 'secret' CONNECTION LIMIT 6; GRANT ALL ON t TO few");
    await pair.caughtUp();
    await using opened = openOn(
      primary,
      {},
      { hosts: [primary, standby].map(hostOf), user: "few", password: new Secret("secret") },
    );
    const { db, states } = opened;
    const works = Array.from({ length: 12 }, (_, id) =>
      db.transaction(async (tx) => {
        await tx.query`insert into t values (${id})`;
        await tx.query`select pg_sleep(0.5)`;
      }),
    );
    await Promise.all(works);
    const [row] = await primary.psql<{ count: number }>("SELECT count(*)::int AS count FROM t");
    expect(row?.count).toBe(12);
    expect(states).not.toContain("read-only");
    expect(states).not.toContain("reconnecting");
  }, 30_000);

  test("is found again after a silence, though its logins take longer than a short look", async () => {
    const { primary, standby } = pair;
    const target = hostOf(primary);
    const proxy = await FaultProxy.listen({ target, port: await freePort(), clock: systemClock });
    try {
      const hosts = [{ host: "127.0.0.1", port: proxy.port }, hostOf(standby)];
      await using opened = openOn(primary, { stallAfterMs: 500 }, { hosts });
      const { db } = opened;
      await proxy.setAll({ kind: "latency", delayMs: 25 });
      await db.query`select 1`;
      await proxy.setAll({ kind: "silence" });
      const lost = db.query`select 2`.catch((error) => error);
      await waitUntil("the standby serves reads", () => db.state().name === "read-only");
      await lost;
      await proxy.resetAll();
      await proxy.setAll({ kind: "latency", delayMs: 25 });
      await waitUntil("the primary is found again", () => db.state().name === "up", { deadlineMs: 5000 });
      await db.query`select 3`;
    } finally {
      await proxy.close();
    }
  }, 30_000);

  test("is one server by whatever address", async () => {
    await using server = await startPostgres({ settings: { listen_addresses: "127.0.0.1,127.0.0.2" } });
    const hosts = ["127.0.0.1", "127.0.0.2"].map((host) => ({ host, port: server.port }));
    await using opened = openOn(server, {}, { hosts });
    const refused: HostRefused[] = [];
    opened.db.on("hostRefused", (event) => void refused.push(event));
    await opened.db.query`select 1`;
    // Longer than between two looks at the other host.
    await Bun.sleep(3000);
    expect(refused).toEqual([]);
    expect(opened.states).toEqual(["up"]);
  }, 30_000);
});

test("poolers on both nodes: after a switch-over no session of the old one is used, and nobody meets a server that refuses", async () => {
  await using pair = await ReplicatedPair.start(oldestPostgres);
  const { primary, standby } = pair;
  await primary.psql("CREATE TABLE t (id int)");
  await pair.caughtUp();
  await using first = await startPgBouncer(primary, { settings: { server_login_retry: "0.2" } });
  await using second = await startPgBouncer(standby, { settings: { server_login_retry: "0.2" } });
  await using opened = openOn(primary, { poolMin: 10 }, { hosts: [first, second].map(hostOf) });
  const { db } = opened;
  await waitUntil("the pool is filled", () => db.stats().total >= 10);
  await pair.switchOver();
  const writes = Array.from({ length: 30 }, (_, id) => db.query`insert into t values (${id})`.catch((error) => error));
  const failed = (await Promise.all(writes)).filter((result) => result instanceof Error);
  expect(failed.filter((error) => "reason" in error && error.reason === "25006")).toEqual([]);
  const [row] = await standby.psql<{ count: number }>("SELECT count(*)::int AS count FROM t");
  expect(row?.count).toBeGreaterThanOrEqual(30 - failed.length);
  const used = await db.read<{ port: number }>`select inet_server_port() as port`;
  expect(used).toEqual([{ port: standby.port }]);
}, 60_000);

test("a server that refuses what may commit on its way is found out as well", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server);
  const { db } = opened;
  await db.query`create table t (id int)`;
  await db.query`create procedure add(id int) language sql as 'insert into t values (id)'`;
  // From now on heartbeats do not ask whether the server takes writes.
  await waitForSessions(server, "deby-probe", (count) => count === 1);
  server.configure({ settings: { default_transaction_read_only: "on" } });
  await server.reload();
  const error = await db.query`call add(1)`.catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", reason: "25006" });
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
}, 30_000);

test("a standby that is meant to be one is no suspect when it refuses a write", async () => {
  await using pair = await ReplicatedPair.start(oldestPostgres);
  await using opened = openOn(pair.standby, {}, { targetSessionAttrs: "standby" });
  const { db } = opened;
  for (let round = 0; round < 5; round++) {
    const error = await db.query`create table t (id int)`.catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "READ_ONLY", outcome: "rolled-back" });
  }
  expect(opened.states).toEqual(["up"]);
}, 30_000);
