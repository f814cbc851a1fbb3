import type { PgBouncer } from "../../support/pgbouncer.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { POOL_MAX } from "./fault.ts";
import type { Table } from "./figures.ts";
import { isSuccess, type LedgerEntry } from "./ledger.ts";
import type { Served } from "./served.ts";
import { MAINTENANCE, ROLE, type Stage } from "./stage.ts";

/** Long enough for all connections of the pool to be in use at once. */
const HOLD_MS = 500;
/** Connections that were only opened meanwhile are at work in the next round. */
const ROUNDS = 3;
const POOL_MIN = 2;
const MAX_PROBES = 2;
/** deby has 25 s to shut down; without work it needs none of them. */
const EXIT_WITHIN_MS = 5000;
const SETTLED_WITHIN_MS = 5000;

/** Every row of a segment, by how often it is there. */
export async function readTable(server: PostgresServer, segment: number): Promise<Table> {
  const rows = await server.psql<{ id: string; count: number }>(
    `SELECT id::text AS id, count(*)::int AS count FROM fault_row WHERE segment = ${segment} GROUP BY id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Where the other end of deby's connections is, which knows of each of them. */
type OtherEnd = Pick<Stage, "server" | "pooler">;

/**
 * What is wrong with the pool: as many requests as it has connections must all be answered, each by a backend of its
 * own, and those backends are all the sessions that the server knows of; a pooler knows of as many.
 */
export async function examinePool(end: OtherEnd, served: Served): Promise<string[]> {
  const wrong: string[] = [];
  const inRest = await settled(end, ({ pooled }) => pooled.length >= POOL_MIN && pooled.length <= POOL_MAX);
  if (inRest.pooled.length < POOL_MIN || inRest.pooled.length > POOL_MAX) {
    wrong.push(`the pool has ${inRest.pooled.length} connections`);
  }
  const { pooled, probes, answers, pids } = await askAll(end, served);
  const unanswered = answers.filter((entry) => !isSuccess(entry));
  if (unanswered.length > 0) wrong.push(`${unanswered.length} of ${POOL_MAX} connections do not answer`);
  if (pids.size !== POOL_MAX) wrong.push(`${POOL_MAX} requests at once were answered by ${pids.size} connections`);
  const strays = end.pooler ? pooled.slice(pids.size) : pooled.filter((pid) => !pids.has(pid));
  if (strays.length > 0) wrong.push(`the server has ${strays.length} sessions that are not in the pool`);
  if (probes.length > MAX_PROBES) wrong.push(`the server has ${probes.length} sessions of probes`);
  return wrong;
}

/** As many requests at once as the pool may have connections, until each has one of its own. */
async function askAll(end: OtherEnd, served: Served) {
  for (let round = 1; ; round += 1) {
    const asked = Array.from({ length: POOL_MAX }, () => askBackend(served));
    const areAtWork = async () => (await seenFrom(end)).atWork >= POOL_MAX;
    await waitUntil("all connections are at work", areAtWork, { deadlineMs: HOLD_MS }).catch(() => {});
    const { pooled, probes } = await seenFrom(end);
    const answers = await Promise.all(asked);
    const pids = new Set(answers.filter(isSuccess).map(({ body }) => Number(body?.["pid"])));
    if (pids.size === POOL_MAX || round === ROUNDS || !answers.every(isSuccess))
      return { pooled, probes, answers, pids };
  }
}

/** Ends deby as an operator does; what is wrong with how it went. */
export async function examineEnd(end: OtherEnd, { process }: Served): Promise<string[]> {
  const wrong: string[] = [];
  process.kill("SIGTERM");
  const { exitCode, signal } = await process.waitForExit(EXIT_WITHIN_MS);
  if (exitCode !== 0) wrong.push(`deby ended with ${exitCode ?? signal} after SIGTERM`);
  const { pooled, probes } = await settled(end, (left) => left.pooled.length + left.probes.length === 0);
  if (pooled.length > 0 || probes.length > 0) {
    wrong.push(
      `after the end the server still has ${pooled.length} sessions of the pool and ${probes.length} of probes`,
    );
  }
  return wrong;
}

interface Sessions {
  readonly pooled: readonly number[];
  readonly probes: readonly number[];
  /** How many of the pooled run a statement. */
  readonly atWork: number;
}

/** deby's sessions by pid, as the server sees them. */
export async function sessions(server: PostgresServer): Promise<Sessions> {
  const rows = await server.psql<{ pid: number; name: string; state: string | null }>(
    `SELECT pid, application_name AS name, state FROM pg_stat_activity
     WHERE usename = '${ROLE}' AND application_name LIKE 'deby%'`,
    MAINTENANCE,
  );
  const pooled = rows.filter(({ name }) => name === "deby");
  return {
    pooled: pooled.map(({ pid }) => pid),
    probes: rows.filter(({ name }) => name === "deby-probe").map(({ pid }) => pid),
    atWork: pooled.filter(({ state }) => state === "active").length,
  };
}

/** deby's sessions with a pooler, by their ports. */
async function clients(pooler: PgBouncer): Promise<Sessions> {
  const rows = await pooler.admin<{ port: number; application_name: string; link: string }>("SHOW CLIENTS");
  const pooled = rows.filter(({ application_name }) => application_name === "deby");
  return {
    pooled: pooled.map(({ port }) => port),
    probes: rows.filter(({ application_name }) => application_name === "deby-probe").map(({ port }) => port),
    atWork: pooled.filter(({ link }) => link !== "").length,
  };
}

function seenFrom({ pooler, server }: OtherEnd): Promise<Sessions> {
  return pooler ? clients(pooler) : sessions(server);
}

/** The sessions as soon as they are as wanted, or as they are when that takes too long. */
async function settled(end: OtherEnd, isWanted: (sessions: Sessions) => boolean): Promise<Sessions> {
  let seen = await seenFrom(end);
  const giveUpAt = performance.now() + SETTLED_WITHIN_MS;
  while (!isWanted(seen) && performance.now() < giveUpAt) {
    await Bun.sleep(20);
    seen = await seenFrom(end);
  }
  return seen;
}

function askBackend({ client }: Served): Promise<LedgerEntry> {
  return client.send({ kind: "other", method: "GET", path: `/faults/hold/${HOLD_MS}` });
}
