import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CHECKS } from "../../../src/diagnostics/checks.ts";
import { runDeby, spawnDeby } from "../../support/executable.ts";
import { startPeer } from "../../support/peers.ts";
import { startPostgres } from "../../support/postgres.ts";
import { postgresVersions } from "../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { expectNarrow } from "./expect-trouble.ts";
import { checkJson, environmentOf } from "./run-check.ts";

/** Those of the connection; the health checks have tests of their own. */
const CHECK_IDS = CHECKS.filter(({ group }) => group === "connection").map(({ id }) => id);

describe.each([...postgresVersions])("deby check with a healthy Postgres %d", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    const timeouts = { statement_timeout: "60s", idle_in_transaction_session_timeout: "60s" };
    server = await startPostgres({ version, settings: { fsync: "on", ...timeouts } });
    await server.psql(`CREATE ROLE app LOGIN PASSWORD '${server.password}'; GRANT pg_monitor TO app`);
    const tables = Array.from({ length: 22 }, (_, index) => `CREATE TABLE t${String(index).padStart(2, "0")} (id int)`);
    await server.psql(`${tables.join(";")}; INSERT INTO t00 SELECT generate_series(1, 1000); ANALYZE t00`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("passes every check, and says so in one line", async () => {
    const { exitCode, stdout, stderr } = await runDeby(["check"], { env: environmentOf(server, { PGUSER: "app" }) });
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
      new RegExp(`^All good: PostgreSQL ${version}\\.\\d+ answers in [\\d.]+ ms, 22 tables in deby_ecommerce$`),
    );
    for (const id of CHECK_IDS.slice(1)) expect(stdout).toContain(`✔ pass     ${id} `);
    expect(stdout).toMatch(/db-host +127\.0\.0\.1 +environment \(PGHOST\)/);
    expect(stdout).toMatch(/db-sslmode +prefer +default/);
    expect(stdout).toMatch(/public\.t00 +~1,000 rows +\d+\.\d kB/);
    expect(stdout).toContain("public.t19");
    expect(stdout).not.toContain("public.t20");
    expect(stdout).toContain("and 2 more");
    expectNarrow(stdout);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("gives programs the versioned report and nothing else", async () => {
    const { exitCode, stderr, report } = await checkJson({ env: environmentOf(server) });
    expect(Object.keys(report)).toEqual(["schema", "target", "summary", "tables", "checks"]);
    expect(report.schema).toBe("deby.check/1");
    expect(report.summary).toMatchObject({ fail: 0, unknown: 0 });
    expect(report.checks.map(({ id }) => id).slice(0, CHECK_IDS.length)).toEqual(CHECK_IDS);
    for (const check of report.checks) {
      expect(Object.keys(check)).toEqual(["id", "title", "status", "evidence", "cause", "fix", "docs", "ms"]);
    }
    expect(report.tables).toHaveLength(22);
    expect(report.tables[0]).toEqual({
      schema: "public",
      name: "t00",
      estimatedRows: 1000,
      bytes: expect.any(Number) as number,
    });
    expect(report.tables[1]?.estimatedRows).toBeNull();
    expect(report.target).toMatchObject({ address: `127.0.0.1:${server.port}`, user: "postgres" });
    expect(report.target.settings).toContainEqual({
      name: "db-password",
      value: "***ry",
      source: "environment",
      from: "PGPASSWORD",
    });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("is not held up by somebody's lock on a table", async () => {
    await using _open = await lockTable(server, "t01");
    const { exitCode, report } = await checkJson({ env: environmentOf(server) });
    expect(exitCode).toBe(0);
    expect(report.tables).toHaveLength(22);
    expect(report.tables[1]).toMatchObject({ name: "t01", bytes: null });
  });

  test("leaves no complaint in the server's log", async () => {
    const { length } = server.log;
    for (const sslmode of ["prefer", "disable"]) {
      await checkJson({
        env: environmentOf(server, { PGUSER: "app", PGSSLMODE: sslmode }),
        flags: ["--only", "connection"],
      });
    }
    expect(server.log.slice(length)).not.toMatch(/could not|incomplete startup packet|unexpected EOF/);
  });

  test("leaves no connection behind", async () => {
    await checkJson({ env: environmentOf(server) });
    const left = "SELECT count(*)::int AS left FROM pg_stat_activity WHERE application_name = 'deby-check'";
    expect(await server.psql(left)).toEqual([{ left: 0 }]);
  });
});

/** Somebody who holds a table's strongest lock until disposal. */
async function lockTable(server: PostgresServer, table: string): Promise<AsyncDisposable> {
  const holding = server.psql(`BEGIN; LOCK TABLE ${table}; SELECT pg_sleep(20)`, { deadlineMs: 25_000 });
  holding.catch(() => {});
  const held = `SELECT pid FROM pg_locks WHERE relation = '${table}'::regclass AND mode = 'AccessExclusiveLock' AND granted`;
  let pid: unknown;
  while (pid === undefined) pid = (await server.psql(held))[0]?.["pid"];
  return {
    async [Symbol.asyncDispose]() {
      await server.psql(`SELECT pg_terminate_backend(${pid})`);
    },
  };
}

test("deby check ends with 130 on Ctrl-C, without a report", async () => {
  const connected = Promise.withResolvers<void>();
  await using peer = await startPeer(() => connected.resolve());
  const env = { PGHOST: peer.host, PGPORT: String(peer.port) };
  await using deby = await spawnDeby(["check", "--json"], { env });
  await connected.promise;
  deby.kill("SIGINT");
  expect(await deby.waitForExit(5_000)).toMatchObject({ exitCode: 130, stdout: "" });
});
