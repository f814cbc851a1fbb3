import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { type PgBouncer, pgBouncerAvailable, startPgBouncer } from "../../support/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { openThrough, poolModes } from "./poolers.ts";

const AT_ONCE = 20;
/** Fewer than there are sessions, so that they share. */
const SERVERS = 6;

describe.skipIf(!pgBouncerAvailable).each(poolModes)("behind PgBouncer in %s mode", (poolMode) => {
  let server: PostgresServer;
  let pooler: PgBouncer;

  beforeAll(async () => {
    server = await startPostgres({ version: oldestPostgres });
    const settings = poolMode === "transaction" ? { default_pool_size: SERVERS } : {};
    pooler = await startPgBouncer(server, { poolMode, settings });
    await server.psql("CREATE TABLE item (id uuid PRIMARY KEY, n int NOT NULL, tags text[])");
  });
  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(() => server.psql("TRUNCATE item"));

  test("statements, arrays and transactions of many callers share its servers, and no statement has a name", async () => {
    await using opened = openThrough(pooler, server);
    const { db } = opened;
    const rounds = Array.from({ length: AT_ONCE * 5 }, async (_, n) => {
      const id = randomUUID();
      await db.query`insert into item (id, n, tags) values (${id}, ${n}, ${["a", `${n}`]})`;
      const total = await db.transaction(async (tx) => {
        await tx.query`update item set n = n + 1 where id = ${id}`;
        const [row] = await tx.query<{ n: number; tags: string[] }>`select n, tags from item where id = ${id}`;
        return row;
      });
      expect(total).toEqual({ n: n + 1, tags: ["a", `${n}`] });
      const [row] = await db.read<{ named: number }>`select count(*)::int as named from pg_prepared_statements`;
      expect(row?.named).toBe(0);
    });
    await Promise.all(rounds);
    const [row] = await server.psql<{ count: number }>("SELECT count(*)::int AS count FROM item");
    expect(row?.count).toBe(AT_ONCE * 5);
    expect(opened.states).toEqual(["up"]);
  });

  test("prepare=on names statements all the same, prepare=off names none", async () => {
    for (const [prepare, count] of [
      ["on", 1],
      ["off", 0],
    ] as const) {
      await using opened = openThrough(pooler, server, { prepare, poolMax: 1, poolMin: 1 });
      const [named] = await opened.db.transaction(
        (tx) => tx.query`select count(*)::int as count from pg_prepared_statements where name <> ${""}`,
      );
      expect(named).toEqual({ count });
      // A server with a name in it is not given to anybody else.
      await server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deby'");
    }
  });

  test("a statement that is given up at its deadline is cancelled", async () => {
    await using opened = openThrough(pooler, server);
    const slow = opened.db.with({ deadlineMs: 500 }).read`select pg_sleep(20)`;
    expect(await slow.catch(({ code }) => code)).toBe("DEADLINE_EXCEEDED");
    const left =
      "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()";
    await waitUntil("nothing of it runs any more", async () => (await server.psql(left)).length === 0, {
      deadlineMs: 1000,
    });
    expect(opened.states).toEqual(["up"]);
  });

  test("slow statements that take all servers are no outage, and nothing of them is given up", async () => {
    await using pooler = await startPgBouncer(server, { poolMode, settings: { default_pool_size: AT_ONCE } });
    await using opened = openThrough(pooler, server);
    const { db } = opened;
    const slow = Array.from({ length: AT_ONCE }, () => db.query`select pg_sleep(4)`);
    await Bun.sleep(500);
    const queued = Array.from({ length: AT_ONCE }, () => db.read<{ one: number }>`select 1 as one`);
    expect((await Promise.all(slow)).length).toBe(AT_ONCE);
    for (const rows of await Promise.all(queued)) expect(rows).toEqual([{ one: 1 }]);
    expect(opened.states).toEqual(["up"]);
  });

  test("once() writes once for a crowd with the same key", async () => {
    await using opened = openThrough(pooler, server);
    const key = randomUUID();
    const calls = Array.from({ length: AT_ONCE }, () =>
      opened.db.once(key, async (tx) => {
        const [row] = await tx.query<{ n: number }>`insert into item (id, n) values (${randomUUID()}, 1) returning n`;
        return row;
      }),
    );
    expect(await Promise.all(calls)).toEqual(Array.from({ length: AT_ONCE }, () => ({ n: 1 })));
    const [row] = await server.psql<{ count: number }>("SELECT count(*)::int AS count FROM item");
    expect(row?.count).toBe(1);
  });
});
