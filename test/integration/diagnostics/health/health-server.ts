import { expect } from "bun:test";
import postgres from "postgres";
import { Secret } from "../../../../src/config/secret.ts";
import { systemClock } from "../../../../src/core/clock.ts";
import type { Check, CheckResult, Subject } from "../../../../src/diagnostics/check.ts";
import { type HealthCheck, healthCheck } from "../../../../src/diagnostics/health/health-check.ts";
import type { Limits } from "../../../../src/diagnostics/health/table.ts";
import { runChecks } from "../../../../src/diagnostics/run-checks.ts";
import { Session } from "../../../../src/diagnostics/session.ts";
import { startPostgres } from "../../../support/postgres.ts";
import { type PostgresVersion, postgresBinaries } from "../../../support/postgres-binaries.ts";
import type { PostgresServer, ServerConfiguration } from "../../../support/postgres-server.ts";
import { runCommand } from "../../../support/run-command.ts";
import { targetAt } from "../../../support/settings.ts";

export const PASSWORD = "app-password";

/** Owns the database and may look at everything. */
export const APP = "app";
/** Has no rights at all. */
export const NOBODY = "nobody_special";

export interface Asked {
  /** Default: the application's role. */
  readonly user?: string;
  readonly limits?: Limits;
  readonly subject?: Partial<Subject>;
  readonly host?: string;
  /** Limit of each check, in milliseconds; default 5000. */
  readonly timeoutMs?: number;
}

/** A server that no check finds anything wrong with, whose tests may change that. */
export async function startHealthy(
  version: PostgresVersion,
  { settings = {}, ...rest }: ServerConfiguration = {},
): Promise<PostgresServer> {
  const server = await startPostgres({
    version,
    ...rest,
    settings: {
      fsync: "on",
      autovacuum: "off",
      wal_level: "logical",
      archive_mode: "on",
      archive_command: "/bin/true",
      max_prepared_transactions: "10",
      statement_timeout: "60s",
      idle_in_transaction_session_timeout: "60s",
      ...settings,
    },
  });
  await makeRoles(server);
  return server;
}

export async function makeRoles(server: PostgresServer): Promise<void> {
  await server.psql(`CREATE ROLE ${APP} LOGIN PASSWORD '${PASSWORD}'; GRANT pg_monitor TO ${APP};
    CREATE ROLE ${NOBODY} LOGIN PASSWORD '${PASSWORD}'; ALTER DATABASE ${server.database} OWNER TO ${APP};
    GRANT ALL ON SCHEMA public TO ${APP}`);
}

function subjectOf(server: PostgresServer, { user = APP, host = server.host, subject = {} }: Asked): Subject {
  const password = new Secret(user === server.user ? server.password : PASSWORD);
  const hosts = [{ host, port: server.port }];
  const target = targetAt(server.port, { user, password, hosts });
  return { target, settings: [], warnings: [], connectTimeoutMs: 5_000, os: "linux", ...subject };
}

/** Runs checks as `deby check` does, on one connection. */
export async function runAll(
  server: PostgresServer,
  checks: readonly Check[],
  asked: Asked = {},
): Promise<CheckResult[]> {
  const clock = systemClock;
  await using session = new Session(clock);
  const context = { subject: subjectOf(server, asked), session };
  const { timeoutMs = 5_000 } = asked;
  return await runChecks(checks, context, { clock, timeoutMs, signal: new AbortController().signal });
}

/** Runs one check, with other limits where a test cannot wait for the real ones. */
export async function find<F>(server: PostgresServer, check: HealthCheck<F>, asked: Asked = {}): Promise<CheckResult> {
  const { limits = check.limits } = asked;
  const [result] = await runAll(server, [healthCheck({ ...check, limits })], asked);
  if (result === undefined) throw new Error("There is no result");
  if (result.status !== "unknown") expectWhole(result);
  return result;
}

/** Whatever is wrong is told with all that a reader may count on. */
function expectWhole({ status, evidence, cause, fix, docs }: CheckResult): void {
  expect(evidence.split("\n").length).toBeLessThanOrEqual(6);
  if (status === "pass") return;
  expect(cause).toMatch(/^\S.*[^.\s]$/);
  expect(fix).not.toEqual([]);
  expect(docs).toStartWith("https://www.postgresql.org/docs/current/");
  // In one piece on a line of 100 columns.
  expect(docs?.length).toBeLessThan(92);
}

export interface HeldSession extends AsyncDisposable {
  readonly pid: number;
  run(sql: string): Promise<unknown>;
}

/** Somebody else's session, which does what a test tells it. */
export async function openSession(server: PostgresServer, user = APP): Promise<HeldSession> {
  const sql = postgres({
    host: server.host,
    port: server.port,
    database: server.database,
    user,
    password: user === server.user ? server.password : PASSWORD,
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: "held" },
  });
  const [row] = await sql.unsafe<{ pid: number }[]>("select pg_backend_pid() as pid").simple();
  return {
    pid: row?.pid ?? 0,
    // Async, since the driver sends nothing before somebody asks for the answer.
    run: async (text) => await sql.unsafe(text).simple(),
    [Symbol.asyncDispose]: () => sql.end({ timeout: 0 }),
  };
}

/** The statements that the command for this system hands to psql. */
export function statementsOf({ fix }: CheckResult): string[] {
  const here = fix.filter(({ os }) => os === "any" || os === "linux");
  return here.flatMap(({ command }) => {
    const quoted = command.matchAll(/ -c (?:'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+))/g);
    return [...quoted].map(([, single, double, bare]) => single?.replaceAll("'\\''", "'") ?? double ?? bare ?? "");
  });
}

/**
 * Pastes what a finding tells to run into a shell; what psql said. Without a terminal, which it would ask for a new
 * password.
 */
export async function mend(server: PostgresServer, { fix }: CheckResult): Promise<string> {
  const commands = fix.filter(({ os }) => os === "any" || os === "linux").map(({ command }) => command);
  // The packaged server brings no psql; any that is at hand will do.
  const path = [await postgresBinaries(15).catch(() => ""), process.env["PATH"]].filter(Boolean).join(":");
  const aside = Bun.which("setsid") === null ? [] : ["setsid", "-w"];
  const env = { PATH: path, PGPASSWORD: server.password, PSQLRC: "/dev/null" };
  const stdin = `${PASSWORD}\n${PASSWORD}\n`;
  return await runCommand([...aside, "sh", "-ec", commands.join("\n")], { env, stdin });
}
