import { expect, test } from "bun:test";
import { openOn, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { waitUntil } from "../../support/wait-until.ts";

/** New sessions and statements are read-only from now on, or are not any more. */
async function setReadOnly(server: PostgresServer, isReadOnly: boolean): Promise<void> {
  server.configure({ settings: { default_transaction_read_only: isReadOnly ? "on" : "off" } });
  await server.reload();
}

test("writes that meet a server which takes none are held until it does; reads go on meanwhile", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { heartbeatIntervalMs: 500 });
  const { db } = opened;
  await db.query`create table t (id int)`;
  // From now on heartbeats do not ask whether the server takes writes.
  await waitForSessions(server, "deby-probe", (count) => count === 1);
  await setReadOnly(server, true);
  const writes = [1, 2, 3].map((id) => db.query`insert into t values (${id})`);
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
  await waitUntil("all are held", () => db.stats().held === 3);
  expect(await db.read<{ count: number }>`select count(*)::int as count from t`).toEqual([{ count: 0 }]);
  await setReadOnly(server, false);
  await Promise.all(writes);
  expect(await db.read<{ count: number }>`select count(*)::int as count from t`).toEqual([{ count: 3 }]);
  expect(opened.states).toEqual(["up", "suspect", "read-only", "up"]);
}, 30_000);

test("a transaction that is read-only by its own wish is told so, and nothing else changes", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server);
  const { db } = opened;
  await db.query`create table t (id int)`;
  const error = await db
    .transaction(async (tx) => {
      await tx.query`set transaction read only`;
      await tx.query`insert into t values (1)`;
    })
    .catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "READ_ONLY", outcome: "rolled-back" });
  await db.query`insert into t values (2)`;
  expect(opened.states).toEqual(["up"]);
}, 30_000);

test("a write's own deadline ends its wait for a server that takes writes with READ_ONLY", async () => {
  await using server = await startPostgres({ settings: { default_transaction_read_only: "on" } });
  await using opened = openOn(server);
  const { db } = opened;
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
  const error = await db.with({ deadlineMs: 300 }).query`create table t (id int)`.catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "READ_ONLY", outcome: "not-executed", retryAfterMs: 1000 });
}, 30_000);

test("a transaction that meets a server which takes no writes is run again where that was allowed", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { heartbeatIntervalMs: 500 });
  const { db } = opened;
  await db.query`create table t (id int)`;
  // From now on heartbeats do not ask whether the server takes writes.
  await waitForSessions(server, "deby-probe", (count) => count === 1);
  await setReadOnly(server, true);
  let runs = 0;
  const insert = (options: { readonly retryable: boolean }) =>
    db.transaction(async (tx) => {
      runs += 1;
      await tx.query`insert into t values (1)`;
    }, options);
  expect(await insert({ retryable: false }).catch((thrown) => thrown)).toMatchObject({
    code: "READ_ONLY",
    outcome: "rolled-back",
  });
  const waiting = insert({ retryable: true });
  await waitUntil("it is held", () => db.stats().held === 1);
  await setReadOnly(server, false);
  await waiting;
  expect(await db.read<{ count: number }>`select count(*)::int as count from t`).toEqual([{ count: 1 }]);
  expect(runs).toBeGreaterThan(1);
}, 30_000);
