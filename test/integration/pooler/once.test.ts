import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Database } from "../../../src/database/database.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { OnceWriters } from "../../support/once-writers.ts";
import { type PgBouncer, pgBouncerAvailable, startPgBouncer } from "../../support/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { openThrough } from "./poolers.ts";

const WRITERS = 20;
const PROGRESS = 300;

let server: PostgresServer;
let pooler: PgBouncer;
/** Between deby and PgBouncer, and between PgBouncer and the server. */
let proxy: FaultProxy;
let behind: FaultProxy;

async function restart(takeAway: () => Promise<void>, bringBack: () => Promise<void>): Promise<void> {
  await takeAway();
  await Bun.sleep(500);
  await bringBack();
}

const terminateAll = () =>
  server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deby'");

const STRIKES: Readonly<Record<string, () => Promise<unknown>>> = {
  "kill -9 of PgBouncer": () =>
    restart(
      () => pooler.kill9(),
      () => pooler.start(),
    ),
  "kill -9 of the server": () =>
    restart(
      () => server.kill9(),
      () => server.start(),
    ),
  "pg_terminate_backend of all": terminateAll,
  "a reset of all": async () => proxy.resetAll(),
  RECONNECT: () => pooler.admin("RECONNECT"),
  "SIGSTOP of PgBouncer for 4 s": async () => {
    await pooler.freeze();
    await Bun.sleep(4000);
    pooler.thaw();
  },
  "a silence behind PgBouncer that heals only for new connections": async () => {
    behind.setExisting({ kind: "silence" });
    await behind.setNew({ kind: "accept-and-mute" });
    await Bun.sleep(8000);
    await behind.setNew({ kind: "pass" });
  },
  "SIGSTOP of the server for 4 s": async () => {
    await server.freeze();
    await Bun.sleep(4000);
    server.thaw();
  },
};

/** Inserts a row; gives the number of rows inserted. */
async function sell(db: Database, id: string): Promise<number> {
  const rows = await db.once(id, (tx) => tx.query`insert into sale values (${id}) returning 1 as one`);
  return rows.length;
}

describe.skipIf(!pgBouncerAvailable)("once() behind PgBouncer in transaction mode", () => {
  beforeAll(async () => {
    server = await startPostgres({ version: oldestPostgres });
    await server.psql("CREATE TABLE sale (id uuid NOT NULL)");
    behind = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
    // A login that nobody answers keeps it from trying another for so long.
    const settings = { server_login_retry: 0.2, server_connect_timeout: 2 };
    pooler = await startPgBouncer(server, { serverPort: behind.port, settings });
    proxy = await FaultProxy.listen({ target: { host: pooler.host, port: pooler.port } });
  });
  afterAll(async () => {
    await proxy.close();
    await pooler[Symbol.asyncDispose]();
    await behind.close();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    proxy.onClientData = () => undefined;
  });

  const open = () => openThrough(proxy, server);

  test.each(Object.entries(STRIKES))(
    "through %s every key is written once, and no caller is left in doubt",
    async (_, strike) => {
      await using opened = open();
      await using writers = await OnceWriters.start(opened.db, WRITERS);
      await writers.progress(PROGRESS);
      await strike();
      await writers.progress(PROGRESS);
      await writers.stop();
      const { lost, doubled, wrongOutcome, errors } = await writers.compareWith(server);
      expect({ lost, doubled, wrongOutcome, errors }).toEqual({ lost: [], doubled: [], wrongOutcome: [], errors: {} });
    },
    60_000,
  );

  test("a COMMIT whose answer is lost is resolved by its key", async () => {
    await using opened = open();
    // The table of keys is there by then, so that the COMMIT which is hit is the right one.
    await sell(opened.db, randomUUID());
    const id = randomUUID();
    proxy.onClientData = (connection, chunk) => {
      if (!chunk.includes("commit\0")) return undefined;
      proxy.onClientData = () => undefined;
      setTimeout(() => connection.reset(), 200);
      return { kind: "silence-replies", afterBytes: chunk.length };
    };
    const resolved: string[] = [];
    opened.db.on("outcomeResolved", ({ outcome }) => void resolved.push(outcome));
    expect(await sell(opened.db, id)).toBe(1);
    expect(resolved).toEqual(["committed"]);
    expect(await server.psql(`SELECT count(*)::int AS count FROM sale WHERE id = '${id}'`)).toEqual([{ count: 1 }]);
  });

  test("a connection that goes silent in mid-transaction is found out after stall-after, and the work is done elsewhere", async () => {
    await using opened = openThrough(proxy, server, { stallAfterMs: 500 });
    await sell(opened.db, randomUUID());
    const id = randomUUID();
    const startedAt = performance.now();
    proxy.onClientData = (_, chunk) => {
      if (!chunk.includes("into sale")) return undefined;
      proxy.onClientData = () => undefined;
      return { kind: "silence", afterBytes: 0 };
    };
    expect(await sell(opened.db, id)).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(opened.states).toEqual(["up"]);
  });

  test("a transaction of which nothing but BEGIN was sent has done nothing", async () => {
    await using opened = open();
    await sell(opened.db, randomUUID());
    proxy.onClientData = (_, chunk) => {
      if (!chunk.includes("begin")) return undefined;
      proxy.onClientData = () => undefined;
      return { kind: "silence", afterBytes: chunk.length };
    };
    const lost = opened.db.with({ deadlineMs: 500 }).once(randomUUID(), async () => 1);
    expect(await lost.catch((error) => error)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-executed" });
  });

  test("slow work is left alone", async () => {
    await using opened = openThrough(proxy, server, { stallAfterMs: 300 });
    let runs = 0;
    await opened.db.once(randomUUID(), async (tx) => {
      runs += 1;
      await tx.query`select pg_sleep(2)`;
    });
    expect(runs).toBe(1);
  });

  test("a transaction that rests for ever, since PgBouncer never hears of its end, is ended all the same", async () => {
    await using opened = open();
    await opened.db.once(randomUUID(), async (tx) => void (await tx.query`select 1`));
    const id = randomUUID();
    const lost = opened.db.with({ deadlineMs: 1000 }).once(id, async (tx) => {
      await tx.query`insert into sale values (${id})`;
      for (const connection of proxy.connections) connection.mode = { kind: "silence" };
      await tx.query`select 1`;
    });
    expect(await lost.catch(({ outcome }) => outcome)).toBe("rolled-back");
    const resting =
      "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query LIKE '%into sale%'";
    // The server's own timeout, which is set as well, would end it 5 s later.
    await waitUntil("nothing rests", async () => (await server.psql(resting)).length === 0, { deadlineMs: 3000 });
    expect(await sell(opened.db, id)).toBe(1);
    expect(await server.psql(`SELECT count(*)::int AS count FROM sale WHERE id = '${id}'`)).toEqual([{ count: 1 }]);
  });
});
