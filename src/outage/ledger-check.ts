import { type Clock, sleep } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { connectDriver, within } from "./driver.ts";
import type { ServerAddress } from "./health-watch.ts";
import { Interrupted } from "./interruption.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { DatabaseEndpoint, Target } from "./target.ts";

const READ_LIMIT_MS = 15_000;
/** SQLSTATE undefined_table. */
const NO_TABLE = "42P01";
/** How long the table of a server that runs is waited for, and how often it is looked for. */
const TABLE_LIMIT_MS = 5000;
const TABLE_LOOK_MS = 100;

/**
 * Counts the canary rows of each id over a connection of its own, which owes nothing to the server under test.
 * @throws Error when the table cannot be read within 15 s, or the signal fires
 */
export async function readCanaryRows(endpoint: DatabaseEndpoint, signal: AbortSignal): Promise<Rows> {
  const sql = connectDriver(endpoint, READ_LIMIT_MS);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
  const read = sql<
    { id: string; count: number }[]
  >`select id::text, count(*)::int as count from deby.canary group by id`;
  const rows = await within(sql, read.execute(), limit);
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** The table at the end of a run, or why it cannot be held against the answers. */
export type TableReading = { readonly rows: Rows } | { readonly rows: undefined; readonly whyUnread: string };

/**
 * Reads the table at the end of a run. One that nobody made holds nothing, such as that of a server which never found
 * its database. Never rejects: what the run saw is worth a report without the table, too.
 */
export async function readRowsAfter(endpoint: DatabaseEndpoint, signal: AbortSignal): Promise<TableReading> {
  try {
    return { rows: await readRowsIfAny(endpoint, signal) };
  } catch (error) {
    return { rows: undefined, whyUnread: messageOf(error) };
  }
}

export interface TableWanted {
  readonly server: ServerAddress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * That the table is there which a server that runs already says it has: else all would be told as lost after the harm.
 * One that has only just found its database is ready a moment before it has made the table.
 * @throws DebyError CANNOT_RUN
 */
export async function requireTable(endpoint: DatabaseEndpoint, wanted: TableWanted): Promise<void> {
  const { server, clock, signal } = wanted;
  const giveUpAt = clock.now() + TABLE_LIMIT_MS;
  for (;;) {
    const error = await whyNoTable(endpoint, signal);
    if (error === undefined) return;
    if (signal.aborted) throw new Interrupted();
    if (codeOf(error) !== NO_TABLE || clock.now() >= giveUpAt) throw tableRefusal(endpoint, server, error);
    await sleep(clock, TABLE_LOOK_MS, signal);
  }
}

async function whyNoTable(endpoint: DatabaseEndpoint, signal: AbortSignal): Promise<unknown> {
  const sql = connectDriver(endpoint, READ_LIMIT_MS);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
  try {
    await within(sql, sql`select id from deby.canary limit 0`.execute(), limit);
    return undefined;
  } catch (error) {
    return error;
  }
}

function tableRefusal({ host, port, database }: DatabaseEndpoint, server: ServerAddress, cause: unknown): DebyError {
  return new DebyError(
    "CANNOT_RUN",
    `The table deby.canary cannot be read in ${host}:${port}/${database}, so what the server on ` +
      `${server.host}:${server.port} answers could not be compared with it: ${messageOf(cause)}. ` +
      "Its canary has to write there; if it does, PUT one to it, which makes the table",
    { cause },
  );
}

/**
 * What of the table counts, to be called before the run writes: rows of earlier runs are nobody's fault, nor are those
 * of others in a database that others use.
 */
export async function chooseRows({ isForeign, isShared, endpoint }: Target, signal: AbortSignal): Promise<ChooseRows> {
  if (isShared) {
    return (rows, entries) => {
      const asked = new Set(entries.map(({ id }) => id));
      return new Map([...rows].filter(([id]) => asked.has(id)));
    };
  }
  // None of the ids that the table of a database holds from earlier is this run's.
  const earlier = isForeign ? await readRowsIfAny(endpoint, signal) : new Map<string, number>();
  return (rows) => new Map([...rows].filter(([id]) => !earlier.has(id)));
}

type Rows = ReadonlyMap<string, number>;
type ChooseRows = (rows: Rows, entries: readonly LedgerEntry[]) => Rows;

async function readRowsIfAny(endpoint: DatabaseEndpoint, signal: AbortSignal): Promise<Rows> {
  try {
    return await readCanaryRows(endpoint, signal);
  } catch (error) {
    if (codeOf(error) === NO_TABLE) return new Map();
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
