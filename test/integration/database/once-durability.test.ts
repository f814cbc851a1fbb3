import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { Database } from "../../../src/database/database.ts";
import type { FaultConnection } from "../../../src/outage/fault-connection.ts";
import type { ChunkVerdict } from "../../../src/outage/fault-mode.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import { OnceWriters } from "../../support/once-writers.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { signalQuietly } from "../../support/postgres-processes.ts";
import { waitUntil, within } from "../../support/wait-until.ts";

const NO_HARM = { lost: [], doubled: [], wrongOutcome: [], errors: {} };
const ROUNDS = 4;

/** All of the server's processes at the same instant, so that none can put away what another has left. */
async function killAtOnce(server: PostgresServer): Promise<void> {
  await server.freeze();
  await server.kill9();
}

/** Stops the process that would write what COMMITs did not wait for. */
async function stopWalWriter(server: PostgresServer): Promise<void> {
  const pid = await waitUntil("the WAL writer runs", async () => {
    const [row] = await server.psql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
    );
    return row?.pid;
  });
  signalQuietly(pid, "SIGSTOP");
}

test("with synchronous_commit off by default, a kill -9 takes plain writes, and no acknowledged once()", async () => {
  await using server = await startPostgres();
  await server.psql(`ALTER DATABASE ${server.database} SET synchronous_commit = off`);
  await using opened = openOn(server);
  const { db } = opened;
  expect(await db.read`show synchronous_commit`).toEqual([{ synchronous_commit: "off" }]);

  await db.query`create table plain (id int not null)`;
  await server.psql("CHECKPOINT");
  await stopWalWriter(server);
  await db.query`insert into plain values (1)`;
  await killAtOnce(server);
  await server.start();
  expect(await db.read`select id from plain`).toEqual([]);

  await using writers = await OnceWriters.start(db, 20);
  for (let round = 0; round < ROUNDS; round++) {
    await stopWalWriter(server);
    await writers.progress(200);
    await killAtOnce(server);
    await server.start();
  }
  await writers.progress(20);
  await writers.stop();
  expect(await db.read`show synchronous_commit`).toEqual([{ synchronous_commit: "off" }]);
  expect(await writers.compareWith(server)).toMatchObject(NO_HARM);
}, 60_000);

test("20 programs whose first use comes at the same moment on a fresh database make one table and no error", async () => {
  await using server = await startPostgres({ settings: { max_connections: "200" } });
  await server.psql("CREATE TABLE sale (program int NOT NULL)");
  const programs: OpenedDatabase[] = Array.from({ length: 20 }, () => openOn(server, { poolMax: 2 }));
  try {
    await waitUntil("all are connected", () => programs.every(({ db }) => db.state().name === "up"));
    const sell = ({ db }: OpenedDatabase, index: number) =>
      db.once(
        `program ${index}`,
        (tx) => tx.query<{ program: number }>`insert into sale values (${index}) returning program`,
      );
    const sales = await Promise.all(programs.map(sell));
    expect(sales.flat()).toEqual(programs.map((_, program) => ({ program })));
    const tables = await server.psql(
      "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'outcome'",
    );
    expect(tables).toEqual([{ nspname: "deby", relname: "outcome" }]);
    expect(await server.psql("SELECT count(*)::int AS count FROM deby.outcome")).toEqual([{ count: 20 }]);
    expect(server.log.split("\n").filter((line) => line.includes("ERROR:"))).toEqual([]);
  } finally {
    await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()));
  }
});

test("a role that may not create the table is told the SQL, which makes it work", async () => {
  await using server = await startPostgres();
  await server.psql(`
    CREATE ROLE shop LOGIN PASSWORD 'shop-password';
    CREATE TABLE sale (item text NOT NULL);
    GRANT SELECT, INSERT ON sale TO shop`);
  const shop = { user: "shop", password: new Secret("shop-password") };
  await using opened = openOn(server, {}, shop);
  const { db } = opened;
  let runs = 0;
  const buy = () =>
    db.once("first", async (tx) => {
      runs += 1;
      await tx.query`insert into sale values ('first')`;
      return "bought";
    });
  await waitUntil("the pool has its minimum", () => db.stats().idle === 2);
  const sessions = async () => {
    const rows = await server.psql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE usename = 'shop' AND application_name NOT LIKE '%probe'",
    );
    return rows.map(({ pid }) => pid).sort();
  };
  const before = await sessions();
  const error = await buy().catch((thrown) => thrown);
  expect(await sessions()).toEqual(before);
  expect(error).toMatchObject({ code: "DATABASE_MISCONFIGURED", reason: "42501", outcome: "rolled-back" });
  expect(error.message).toContain("create schema if not exists deby; create table if not exists deby.outcome");
  expect([runs, await db.outcome("first")]).toEqual([0, "not-committed"]);

  const sql: string = error.message.slice(error.message.indexOf("create schema"));
  await server.psql(sql.replaceAll("ROLE", "shop"));
  expect([await buy(), await buy(), runs]).toEqual(["bought", "bought", 1]);
  expect(await db.outcome("first")).toBe("committed");

  await using forgetful = openOn(server, { keyRetentionMs: 1000 }, shop);
  const pruned = Promise.withResolvers<void>();
  forgetful.db.on("keysPruned", () => pruned.resolve());
  await forgetful.db.once("second", async () => {});
  await within("the keys are pruned", 10_000, pruned.promise);
});

test("a write in doubt waits for a database that is given up for the time, and is not counted each time that it looks", async () => {
  await using server = await startPostgres();
  await server.psql("CREATE TABLE sale (item text NOT NULL)");
  await using proxy = await FaultProxy.listen({ target: server });
  await using opened = openOn(server, { retryAttempts: 1, retryIntervalMs: 60_000 }, { hosts: [proxy] });
  const { db, states } = opened;
  const sell = () =>
    db.with({ deadlineMs: 3000 }).once("key", async (tx) => {
      await tx.query`insert into sale values ('shoe')`;
      return "sold";
    });
  await db.once("makes the table", async () => {});
  proxy.onClientData = (_, chunk) =>
    chunk.includes("commit\0") ? { kind: "silence-replies", afterBytes: chunk.length } : undefined;
  const inDoubt = sell().catch((error) => error);
  await waitUntil("it is committed", async () => (await server.psql("SELECT item FROM sale")).length === 1);
  proxy.onClientData = () => undefined;
  await proxy.setNew({ kind: "refuse" });
  proxy.resetAll();
  expect(await inDoubt).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown" });
  expect(states.at(-1)).toBe("down");
  // Sent away from the queue when the database was given up, and what it left behind could not be ended.
  expect(db.stats().shed).toBeLessThanOrEqual(2);
  await proxy.setNew({ kind: "pass" });
  await waitUntil("it is back", () => states.at(-1) === "up");
  expect(await sell()).toBe("sold");
  expect(await server.psql("SELECT item FROM sale")).toEqual([{ item: "shoe" }]);
}, 30_000);

describe("a key whose transaction was left behind", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: { log_line_prefix: "[%p] " } });
    await server.psql("CREATE TABLE sale (item text NOT NULL)");
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** The backends that somebody's pg_terminate_backend has ended. */
  const terminated = () =>
    [...server.log.matchAll(/^\[(\d+)\] FATAL: {2}terminating connection due to administrator command/gm)].map(
      ([, pid]) => Number(pid),
    );
  const sales = (item: string) => server.psql(`SELECT item FROM sale WHERE item = '${item}'`);

  /** Sells under a key; tells the backend of each run. */
  function sell(
    db: Database,
    item: string,
    pids: number[],
    { sleepS = 0, deadlineMs = 10_000 }: { readonly sleepS?: number; readonly deadlineMs?: number } = {},
  ): Promise<string> {
    return db.with({ deadlineMs }).once(`key of ${item.toUpperCase()}`, async (tx) => {
      const [row] = await tx.query<{ pid: number }>`select pg_backend_pid() as pid`;
      pids.push(row?.pid ?? 0);
      await tx.query`insert into sale select ${item} from pg_sleep(${sleepS})`;
      return item;
    });
  }

  /** The verdict for the first chunk that holds these words; it falls once. */
  function atFirst(words: string, strike: (chunk: Buffer) => ChunkVerdict) {
    let isOver = false;
    return (_: FaultConnection, chunk: Buffer): ChunkVerdict | undefined => {
      if (isOver || !chunk.includes(words)) return undefined;
      isOver = true;
      return strike(chunk);
    };
  }

  test.each([
    ["before a statement", "silent-statement", "insert into sale"],
    ["between a statement's preparation and its execution", "silent-execution", "silent-execution"],
    ["before its COMMIT", "silent-end", "commit\0"],
  ])(
    "by a connection that went silent for ever %s: its backend is ended, and the write happens once",
    async (_, item, words) => {
      await using proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
      await using opened = openOn(server, { stallAfterMs: 500 }, { hosts: [{ host: proxy.host, port: proxy.port }] });
      await opened.db.once(`before ${item.toUpperCase()}`, async () => {});
      const outcomes: string[] = [];
      opened.db.on("outcomeResolved", ({ outcome }) => void outcomes.push(outcome));
      proxy.onClientData = atFirst(words, () => ({ kind: "silence", afterBytes: 0 }));
      const pids: number[] = [];
      expect(await sell(opened.db, item, pids)).toBe(item);
      expect([pids.length, new Set(pids).size]).toEqual([2, 2]);
      expect(terminated()).toContain(pids[0] ?? 0);
      expect(await sales(item)).toEqual([{ item }]);
      expect(outcomes).toEqual(item === "silent-end" ? ["not-committed"] : []);
    },
  );

  test.each([
    ["between two statements", "insert into sale"],
    ["in the middle of a statement", "given up"],
  ])("by a silent connection whose caller has given up %s: the key is free again soon", async (_, text) => {
    await using proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
    const hosts = [{ host: proxy.host, port: proxy.port }];
    // It takes nobody for stalled, so that the caller's deadline comes first.
    await using cutOff = openOn(server, { stallAfterMs: 60_000 }, { hosts });
    await using other = openOn(server);
    await cutOff.db.once(`before ${text} GIVEN UP`, async () => {});
    const item = "given up";
    await server.psql(
      "delete from deby.outcome where key = 'key of GIVEN UP'; delete from sale where item = 'given up'",
    );
    proxy.onClientData = atFirst(text, () => ({ kind: "silence", afterBytes: 0 }));
    const pids: number[] = [];
    const error = await sell(cutOff.db, item, pids, { deadlineMs: 1000 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "rolled-back" });
    await waitUntil("the key is free", async () => (await other.db.outcome("key of GIVEN UP")) === "not-committed");
    expect(await sell(other.db, item, pids)).toBe(item);
    expect(pids.length).toBe(2);
    expect(await sales(item)).toEqual([{ item }]);
  });

  test("by a connection that was reset in mid-work: a backend at work is waited for, not ended", async () => {
    await using proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
    await using opened = openOn(server, {}, { hosts: [{ host: proxy.host, port: proxy.port }] });
    const item = "reset at work";
    const pids: number[] = [];
    const sold = sell(opened.db, item, pids, { sleepS: 2 });
    const [atWork] = await waitUntil("the work has begun", async () => {
      const found = await server.psql<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
      return found.length > 0 && found;
    });
    proxy.resetAll();
    expect(await sold).toBe(item);
    expect(pids.length).toBe(2);
    expect(pids[0]).toBe(atWork?.pid ?? 0);
    expect(terminated()).not.toContain(pids[0]);
    expect(await sales(item)).toEqual([{ item }]);
  });

  test("by nobody: a backend at work for another program is never ended by those who wait for its key", async () => {
    await using first = openOn(server);
    await using second = openOn(server, { stallAfterMs: 500 });
    const item = "busy";
    const pids: number[] = [];
    const busy = sell(first.db, item, pids, { sleepS: 3 });
    await waitUntil("the key is taken", async () => (await second.db.outcome("key of BUSY")) === "in-progress");
    const all = [busy, ...Array.from({ length: 10 }, () => sell(second.db, item, pids, { sleepS: 3 }))];
    expect(await Promise.all(all)).toEqual(all.map(() => item));
    expect(pids.length).toBe(1);
    expect(terminated()).not.toContain(pids[0]);
    expect(await sales(item)).toEqual([{ item }]);
  });
});
