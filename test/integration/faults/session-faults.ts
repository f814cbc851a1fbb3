import { randomUUID } from "node:crypto";
import postgres from "postgres";
import type { PostgresServer } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { sessions } from "./aftermath.ts";
import { type Fault, FEWEST_SESSIONS, POOL_MAX } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { describeEntry } from "./ledger.ts";
import { PASSWORD, ROLE } from "./stage.ts";
import { backendWith, terminate } from "./victims.ts";

export const allTerminated: Fault = {
  name: "pg_terminate_backend of all",
  outage: "any",
  failedWrites: POOL_MAX,
  async strike(run) {
    run.breaking();
    const ended = await terminate(run.server);
    if (ended.length < FEWEST_SESSIONS) throw new Error(`Only ${ended.length} sessions were there to be ended`);
    run.broken();
    run.healed();
  },
};

export const terminatedInTransaction: Fault = {
  name: "pg_terminate_backend of one in mid-transaction",
  outage: "none",
  failedWrites: 1,
  async strike(run) {
    const id = randomUUID();
    const path = `/faults/slow-transaction/${run.segment}/${id}/10000`;
    const request = run.served.client.send({ kind: "transaction", method: "PUT", path, id });
    const pid = await backendWith(run.server, "xact_start < query_start AND query LIKE '%pg_backend_pid() as pid%'");
    run.breaking();
    await terminate(run.server, `pid = ${pid}`);
    const entry = await request;
    run.healed();
    if (entry.outcome !== "rolled-back") throw new Error(`The transaction is not undone: ${describeEntry(entry)}`);
  },
};

/** Quicker than by default, so that a cause which has been mended is found out while the test waits. */
export const RETRY = { DEBY_RETRY_INTERVAL: "1s", DEBY_HEARTBEAT_INTERVAL: "500ms" };
/** One attempt every second, and the time that it takes. */
const RETRIED_WITHIN_MS = 1500;

const NEW_PASSWORD = "another-password";

export const passwordChanged: Fault = {
  name: "password changed under live connections",
  outage: "none",
  failedWrites: 0,
  env: RETRY,
  async strike(run) {
    run.breaking();
    await changePassword(run.server, NEW_PASSWORD, "28P01");
    await run.progress(500);
    await changePassword(run.server, PASSWORD, "in");
    run.healed();
  },
};

export const passwordChangedAndEnded: Fault = {
  name: "password changed, and live connections ended",
  outage: "declared",
  failedWrites: POOL_MAX,
  mayTurnAway: true,
  recoverWithinMs: RETRIED_WITHIN_MS,
  env: RETRY,
  async strike(run) {
    run.breaking();
    await changePassword(run.server, NEW_PASSWORD, "28P01");
    await terminate(run.server);
    run.broken();
    await run.state("blocked");
    await proveRefused(run, "28P01");
    run.nothingGotThrough();
    await changePassword(run.server, PASSWORD, "in");
    run.healed();
  },
};

/**
 * A database with sessions in it cannot be renamed. While the command waits for them to go, nobody gets in; so those who
 * slipped in just before can be ended for good.
 */
async function renameAway(server: PostgresServer): Promise<void> {
  const { database } = server;
  const away = new AbortController();
  const renamed = server.psql(`ALTER DATABASE ${database} RENAME TO ${database}_away`, { database: "postgres" });
  renamed.finally(() => away.abort()).catch(() => {});
  while (!away.signal.aborted) {
    await server.psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`, {
      database: "postgres",
    });
    await Bun.sleep(20);
  }
  await renamed;
}

export const databaseRenamed: Fault = {
  name: "database renamed away and back",
  outage: "declared",
  failedWrites: POOL_MAX,
  mayTurnAway: true,
  recoverWithinMs: RETRIED_WITHIN_MS,
  env: RETRY,
  async strike(run) {
    const { server } = run;
    const { database } = server;
    run.breaking();
    await renameAway(server);
    run.broken();
    await run.state("blocked");
    await proveRefused(run, "3D000");
    run.nothingGotThrough();
    await server.psql(`ALTER DATABASE ${database}_away RENAME TO ${database}`, { database: "postgres" });
    run.healed();
  },
};

async function changePassword(server: PostgresServer, password: string, oldOne: "in" | "28P01"): Promise<void> {
  await server.psql(`ALTER ROLE ${ROLE} PASSWORD '${password}'`);
  const answer = await logIn(server);
  if (answer !== oldOne) throw new Error(`Logging in with the old password ends with ${answer}, not ${oldOne}`);
}

/** The SQLSTATE that logging in with deby's password ends with, or `in`. */
async function logIn({ host, port, database }: PostgresServer): Promise<string> {
  const options = { host, port, database, user: ROLE, password: PASSWORD, max: 1, fetch_types: false };
  const client = postgres(options);
  try {
    await client`select 1`;
    return "in";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.end({ timeout: 1 });
  }
}

/** Health tells why, and requests are told so at once. */
async function proveRefused(run: FaultRun, code: string): Promise<void> {
  const { health } = run.served;
  await waitUntil(`health tells of ${code}`, () => health.last?.reason === code);
  const { brokenAt = 0 } = run.outages.at(-1) ?? {};
  const isRefused = (entry: { sentAt: number; code: string | undefined }) =>
    entry.sentAt > brokenAt && entry.code === "DATABASE_MISCONFIGURED";
  await waitUntil("requests are refused", () => run.entries.filter(isRefused).length >= POOL_MAX);
  const { pooled } = await sessions(run.server);
  if (pooled.length > 0) throw new Error(`${pooled.length} sessions are still there`);
}
