import { expect, test } from "bun:test";
import type { Database } from "../../../src/database/database.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { openOn, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { waitUntil } from "../../support/wait-until.ts";

const STALL_AFTER_MS = 1000;

async function setUp() {
  const server = await startPostgres();
  const proxy = await FaultProxy.listen({ target: server });
  const hosts = [{ host: proxy.host, port: proxy.port }];
  const opened = openOn(server, { stallAfterMs: STALL_AFTER_MS, poolMax: 1, poolMin: 1 }, { hosts });
  const { db } = opened;
  await db.query`create table written (id int)`;
  return {
    server,
    proxy,
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const pidOf = async (db: Database) => (await db.read<{ pid: number }>`select pg_backend_pid() as pid`)[0]?.pid ?? 0;

const isThere = (server: PostgresServer, pid: number) => async () =>
  (await server.psql(`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid}`)).length === 1;

test("a read on a connection gone silent is answered over another one, and the server is not called lost", async () => {
  await using world = await setUp();
  const pid = await pidOf(world.db);
  world.proxy.setExisting({ kind: "silence" });
  const startedAt = performance.now();
  expect(await world.db.read<{ one: number }>`select 1 as one`).toEqual([{ one: 1 }]);
  expect(performance.now() - startedAt).toBeLessThan(STALL_AFTER_MS + 2000);
  expect(world.states).toEqual(["up"]);
  expect(world.db.stats()).toMatchObject({ retries: 1, max: 1, total: 1 });
  await waitUntil("the old backend was ended", async () => !(await isThere(world.server, pid)()));
}, 30_000);

test("a write whose answer is lost on its way is unknown within stall-after + 2 s, and it happened once", async () => {
  await using world = await setUp();
  world.proxy.setExisting({ kind: "silence-replies" });
  const startedAt = performance.now();
  const error = await world.db.query`insert into written values (1)`.catch((thrown) => thrown);
  expect(performance.now() - startedAt).toBeLessThan(STALL_AFTER_MS + 2000);
  expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown" });
  expect(await world.db.read`select id from written`).toEqual([{ id: 1 }]);
  expect(world.states).toEqual(["up"]);
}, 30_000);

test("a transaction cut off in the middle is undone and its locks are free, though the server never heard of the cut", async () => {
  await using world = await setUp();
  await world.db.query`insert into written values (1)`;
  const error = await world.db
    .transaction(async (tx) => {
      await tx.query`update written set id = 2`;
      world.proxy.setExisting({ kind: "silence" });
      await tx.query`update written set id = 3`;
    })
    .catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "rolled-back" });
  await world.db.with({ deadlineMs: 5000 }).query`update written set id = id + 10`;
  expect(await world.db.read`select id from written`).toEqual([{ id: 11 }]);
}, 30_000);

test("a backend that waits in ClientWrite for stall-after is given up, and the read is repeated", async () => {
  await using world = await setUp();
  const pid = await pidOf(world.db);
  world.proxy.setExisting({ kind: "silence-replies" });
  const answer = world.db.read<{ text: string }>`select repeat('x', 1000) as text from generate_series(1, 30000)`;
  await waitUntil("the backend cannot send", async () => {
    const [row] = await world.server.psql<{ at: string }>(
      `SELECT wait_event AS at FROM pg_stat_activity WHERE pid = ${pid}`,
    );
    return row?.at === "ClientWrite";
  });
  const startedAt = performance.now();
  expect((await answer).length).toBe(30_000);
  expect(performance.now() - startedAt).toBeLessThan(2 * STALL_AFTER_MS + 2000);
  expect(world.states).toEqual(["up"]);
}, 30_000);

test("a frozen backend costs its statement one more try, and nothing else", async () => {
  await using world = await setUp();
  const pid = await pidOf(world.db);
  process.kill(pid, "SIGSTOP");
  try {
    expect(await world.db.read<{ one: number }>`select 1 as one`).toEqual([{ one: 1 }]);
    expect(await pidOf(world.db)).not.toBe(pid);
    expect(world.states).toEqual(["up"]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
}, 30_000);

test("a statement at work or waiting for a lock for much longer than stall-after is left alone", async () => {
  await using world = await setUp();
  const [pid] = await Promise.all([pidOf(world.db)]);
  const slow = world.db.query<{
    pid: number;
  }>`select pg_backend_pid() as pid, pg_sleep(${5 * (STALL_AFTER_MS / 1000)})`;
  expect((await slow)[0]?.pid).toBe(pid);
  await using other = openOn(world.server);
  const release = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = other.db.transaction(async (tx) => {
    await tx.query`lock table written`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const waiting = world.db.query`insert into written values (7)`;
  await waitForSessions(world.server, "deby-probe", (count) => count >= 2);
  const checkedAt = performance.now();
  await waitUntil("several stall checks have passed", () => performance.now() - checkedAt > 3 * STALL_AFTER_MS);
  release.resolve();
  await Promise.all([holding, waiting]);
  expect(world.states).toEqual(["up"]);
}, 30_000);

test("a server frozen under load is found out within stall-after + 2 s, and every read is answered after the thaw", async () => {
  await using world = await setUp();
  await world.server.freeze();
  const frozenAt = performance.now();
  const reads = Array.from({ length: 5 }, () => world.db.read<{ one: number }>`select 1 as one`);
  await waitUntil("the freeze is noticed", () => world.db.state().name === "reconnecting");
  expect(performance.now() - frozenAt).toBeLessThan(STALL_AFTER_MS + 2000);
  world.server.thaw();
  expect(await Promise.all(reads)).toEqual(Array.from({ length: 5 }, () => [{ one: 1 }]));
}, 30_000);
