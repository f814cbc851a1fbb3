import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Database } from "../../../src/database/database.ts";
import { CanaryTable } from "../../../src/http/canary-table.ts";
import type { ChunkVerdict } from "../../../src/outage/fault-mode.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";

const LOOK = "pg_catalog.pg_class";
const COMMIT = "commit\0";
const CANARY_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

let server: PostgresServer;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startPostgres();
  proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
});
afterAll(async () => {
  await proxy.close();
  await server[Symbol.asyncDispose]();
});
afterEach(async () => {
  proxy.onClientData = () => undefined;
  await server.psql("DROP SCHEMA IF EXISTS deby CASCADE");
});

/** A process that has not seen its tables yet. It takes no connection for stalled before a deadline passes. */
const openFresh = (): OpenedDatabase =>
  openOn(server, { stallAfterMs: 60_000 }, { hosts: [{ host: proxy.host, port: proxy.port }] });

/** How often the client has sent these words; what the first `count` chunks with them meet. */
function strike(words: string, verdict: (chunk: Buffer) => ChunkVerdict, count = 1): { readonly seen: number } {
  const tally = { seen: 0 };
  proxy.onClientData = (_, chunk) => {
    if (!chunk.includes(words)) return undefined;
    tally.seen += 1;
    return tally.seen <= count ? verdict(chunk) : undefined;
  };
  return tally;
}

const unsent = (): ChunkVerdict => ({ kind: "reset", afterBytes: 0 });
const unheard = (chunk: Buffer): ChunkVerdict => ({ kind: "silence-replies", afterBytes: chunk.length });

const waitForTable = (name: string) =>
  waitUntil(`deby.${name} is committed`, async () => {
    const [row] = await server.psql<{ isThere: boolean }>(
      `SELECT to_regclass('deby.${name}') IS NOT NULL AS "isThere"`,
    );
    return row?.isThere === true;
  });

/** Calls once() for the first time in its process: what came of it, and how often the work ran. */
async function firstUse(db: Database, deadlineMs = 10_000): Promise<{ readonly end: unknown; readonly runs: number }> {
  let runs = 0;
  const end = await db
    .with({ deadlineMs })
    .once("key", async () => {
      runs += 1;
      return "done";
    })
    .catch((error) => error);
  return { end, runs };
}

test.each([
  ["before the look for its table arrives", LOOK],
  ["before the COMMIT of its table arrives", COMMIT],
])("a connection lost %s does not end the first once() of a process", async (_, words) => {
  await using opened = openFresh();
  const tally = strike(words, unsent);
  expect(await firstUse(opened.db)).toEqual({ end: "done", runs: 1 });
  expect(tally.seen).toBeGreaterThan(1);
});

test("nor does one lost when its table is committed and nobody knows", async () => {
  await using opened = openFresh();
  const tally = strike(COMMIT, unheard);
  const used = firstUse(opened.db);
  await waitForTable("outcome");
  proxy.resetAll();
  expect(await used).toEqual({ end: "done", runs: 1 });
  expect(tally.seen).toBe(2);
});

test("where the table is there, the first once() has one transaction, and a lost look is repeated", async () => {
  {
    await using maker = openFresh();
    await maker.db.once("other", async () => {});
  }
  await using opened = openFresh();
  const looks = strike(LOOK, unsent);
  const hitLook = proxy.onClientData;
  let commits = 0;
  proxy.onClientData = (connection, chunk) => {
    if (chunk.includes(COMMIT)) commits += 1;
    return hitLook(connection, chunk);
  };
  expect(await firstUse(opened.db)).toEqual({ end: "done", runs: 1 });
  expect([looks.seen, commits]).toEqual([2, 1]);
});

test.each([
  ["look for its table", LOOK],
  ["COMMIT of its table", COMMIT],
])("a deadline that passes at the %s is DEADLINE_EXCEEDED, nothing executed", async (_, words) => {
  await using opened = openFresh();
  strike(words, unheard);
  const { end, runs } = await firstUse(opened.db, 1000);
  expect(end).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-executed" });
  expect(runs).toBe(0);
  expect(await firstUse(opened.db)).toEqual({ end: "done", runs: 1 });
});

test("connections that are lost again and again are DATABASE_UNAVAILABLE, nothing executed", async () => {
  await using opened = openFresh();
  strike(COMMIT, unsent, Number.POSITIVE_INFINITY);
  const { end, runs } = await firstUse(opened.db);
  expect(end).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "not-executed" });
  expect(runs).toBe(0);
});

test.each([
  ["look for its table", LOOK],
  ["COMMIT of its table", COMMIT],
])("a connection lost at the %s does not end the first canary", async (_, words) => {
  await using opened = openFresh();
  const tally = strike(words, unheard);
  const written = new CanaryTable(opened.db).put(CANARY_ID);
  await waitUntil("it is struck", () => tally.seen > 0);
  if (words === COMMIT) await waitForTable("canary");
  proxy.resetAll();
  expect(await written).toMatchObject({ row: { id: CANARY_ID }, isNew: true, isReplay: false });
  expect(tally.seen).toBeGreaterThan(1);
});
