import { afterAll, beforeAll, expect, test } from "bun:test";
import { openOn } from "../../support/database.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

let pair: ReplicatedPair;
beforeAll(async () => {
  pair = await ReplicatedPair.start(15);
}, 60_000);
afterAll(() => pair[Symbol.asyncDispose]());

function openReading(readLagLimitMs = 10_000) {
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  const opened = openOn(
    pair.primary,
    { readFrom: "prefer-standby", readLagLimitMs, heartbeatIntervalMs: 500 },
    { hosts },
  );
  const { db } = opened;
  const portRead = async () => (await db.read<{ port: number }>`select inet_server_port() as port`)[0]?.port;
  const portWritten = async () => (await db.query<{ port: number }>`select inet_server_port() as port`)[0]?.port;
  const isUsed = () => db.stats().standby?.isUsed === true;
  return { ...opened, portRead, portWritten, isUsed };
}

test("declared reads go to the standby, everything else to the primary", async () => {
  await using opened = openReading();
  const { db, portRead, portWritten, isUsed } = opened;
  await waitUntil("the standby is used", isUsed);
  expect(await portRead()).toBe(pair.standby.port);
  expect(await portWritten()).toBe(pair.primary.port);
  expect(await db.with({ deadlineMs: 1000 }).read<{ n: number }>`select 1 as n`).toEqual([{ n: 1 }]);
  const inTransaction = await db.transaction((tx) => tx.query<{ port: number }>`select inet_server_port() as port`);
  expect(inTransaction[0]?.port).toBe(pair.primary.port);
  expect(db.stats().standby).toMatchObject({ isUsed: true, fallbacks: 0 });
}, 30_000);

test("what fails on the standby for its own reason is read from the primary", async () => {
  await using opened = openReading();
  const { db, isUsed } = opened;
  await waitUntil("the standby is used", isUsed);
  await db.query`create sequence if not exists numbers`;
  // A standby gives out no numbers, and may not even know the sequence yet.
  expect(await db.read`select nextval('numbers')::int as number`).toHaveLength(1);
  expect(db.stats().standby?.fallbacks).toBe(1);
  const fault = await db.read`select 1 / 0`.catch((error) => error);
  expect(fault).toMatchObject({ code: "STATEMENT_FAILED", reason: "22012" });
  expect(db.stats().standby?.fallbacks).toBe(1);
}, 30_000);

test("what only a primary can read is read from it, once", async () => {
  await using opened = openReading();
  const { db, isUsed } = opened;
  await waitUntil("the standby is used", isUsed);
  await db.query`create unlogged table if not exists scratch (id int)`;
  await pair.caughtUp();
  expect(await db.read`select id from scratch`).toEqual([]);
  expect(await db.read`select pg_current_wal_lsn()::text as lsn`).toHaveLength(1);
  expect(db.stats().standby?.fallbacks).toBe(2);
  // Nobody has asked for a number in this session: the primary says the same, and is asked only once.
  await db.query`create sequence if not exists numbers`;
  await pair.caughtUp();
  const fault = await db.read`select currval('numbers')`.catch((error) => error);
  expect(fault).toMatchObject({ code: "STATEMENT_FAILED", reason: "55000" });
  expect(db.stats().standby?.fallbacks).toBe(3);
}, 30_000);

test("a standby that replays nothing is read from up to the lag limit, and again when it has caught up", async () => {
  await using opened = openReading(1000);
  const { db, portRead, isUsed } = opened;
  await waitUntil("the standby is used", isUsed);
  await pair.standby.psql("SELECT pg_wal_replay_pause()");
  await db.query`create table if not exists later (id int)`;
  await waitUntil("the standby is too late", () => !isUsed(), { deadlineMs: 5000 });
  expect(await portRead()).toBe(pair.primary.port);
  await pair.standby.psql("SELECT pg_wal_replay_resume()");
  await waitUntil("the standby is used again", isUsed, { deadlineMs: 5000 });
  expect(await portRead()).toBe(pair.standby.port);
}, 30_000);

test("a standby that is taken away costs the reads nothing but the way to the primary", async () => {
  await using opened = openReading();
  const { db, isUsed } = opened;
  await waitUntil("the standby is used", isUsed);
  let isOver = false;
  let reads = 0;
  const readers = Array.from({ length: 10 }, async () => {
    while (!isOver) {
      expect(await db.read<{ n: number }>`select 1 as n`).toEqual([{ n: 1 }]);
      reads += 1;
    }
  });
  await waitUntil("they read", () => reads > 100);
  await pair.standby.kill9();
  await waitUntil("the standby is given up", () => !isUsed());
  const before = reads;
  await waitUntil("they read on", () => reads > before + 100);
  await pair.standby.start();
  await waitUntil("the standby is used again", isUsed, { deadlineMs: 10_000 });
  isOver = true;
  await Promise.all(readers);
  expect(opened.states).toEqual(["up"]);
}, 60_000);

test("a standby that is promoted is not read from as if it were one", async () => {
  await using opened = openReading();
  const { db, isUsed, portWritten } = opened;
  await waitUntil("the standby is used", isUsed);
  await pair.primary.kill9();
  await pair.promote();
  await waitUntil("the connections to it are given up", () => !isUsed() && db.stats().standby?.total === 0, {
    deadlineMs: 10_000,
  });
  expect(await portWritten()).toBe(pair.standby.port);
  expect(await db.read<{ n: number }>`select 1 as n`).toEqual([{ n: 1 }]);
}, 60_000);
