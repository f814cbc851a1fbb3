import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CHECKS } from "../../../src/diagnostics/checks.ts";
import { startPostgres } from "../../support/postgres.ts";
import { postgresVersions } from "../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { makeRoles, openSession, runAll } from "./health/health-server.ts";

const TABLES = 2_000;
const INDEXES = 5_000;
const BATCH = 100;

const LIMIT_MS = 3_000;

/** The whole check; once more where it took too long, which a busy machine may do to it once. */
async function runInTime(server: PostgresServer) {
  for (let round = 1; ; round += 1) {
    const startedAt = performance.now();
    const results = await runAll(server, CHECKS);
    const tookMs = performance.now() - startedAt;
    if (tookMs < LIMIT_MS || round === 2) return { results, tookMs };
  }
}

describe.each([...postgresVersions])("Postgres %d with 2,000 tables and 5,000 indexes", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    // Neither is what is measured here, and both would take part in it.
    server = await startPostgres({ version, settings: { autovacuum: "off", max_wal_size: "4GB" } });
    await makeRoles(server);
    await using session = await openSession(server);
    // A transaction for each batch: the server's table of locks does not hold them all.
    for (let first = 0; first < TABLES; first += BATCH) {
      await session.run(`do $$ begin
        for i in ${first}..${first + BATCH - 1} loop
          execute format('create table t%s (id serial primary key, a int, b text)', i);
          execute format('create index on t%s (a)', i);
          if i % 2 = 0 then execute format('create index on t%s (lower(b)) where a > 1', i); end if;
        end loop;
      end $$`);
    }
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose]());

  test("the whole check takes less than 3 s", async () => {
    const [made] = await server.psql(
      "SELECT (SELECT count(*)::int FROM pg_stat_user_tables) AS tables, (SELECT count(*)::int FROM pg_stat_user_indexes) AS indexes",
    );
    expect(made).toEqual({ tables: TABLES, indexes: INDEXES });
    const { results, tookMs } = await runInTime(server);
    expect(results.filter(({ status }) => status === "unknown" || status === "fail")).toEqual([]);
    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  test("an ALTER TABLE beside it never waits for it for 100 ms, and an open one holds it up for no 3 s", async () => {
    await using session = await openSession(server);
    await session.run("set lock_timeout = '100ms'");
    let isRunning = true;
    let altered = 0;
    const alter = async () => {
      for (; isRunning; altered += 1) {
        const table = `t${(altered * 7) % TABLES}`;
        await session.run(`alter table ${table} add column c${altered} int, alter column id type int`);
        await session.run(
          `alter sequence ${table}_id_seq owned by none; alter sequence ${table}_id_seq owned by ${table}.id`,
        );
      }
    };
    // 55P03 where one of them waited for longer.
    const trouble = alter().then(
      () => undefined,
      (error: unknown) => error,
    );
    for (let round = 0; round < 3; round += 1) {
      const results = await runAll(server, CHECKS);
      expect(results.filter(({ status }) => status === "fail")).toEqual([]);
    }
    isRunning = false;
    expect(await trouble).toBeUndefined();
    expect(altered).toBeGreaterThan(10);

    await session.run("begin; alter table t1 add column z int; alter sequence t1_id_seq owned by none");
    const { results, tookMs } = await runInTime(server);
    expect(tookMs).toBeLessThan(LIMIT_MS);
    expect(results.filter(({ status }) => status === "unknown").map(({ id }) => id)).toEqual(["sequences"]);
  });
});
