import { connectDriver, within } from "./driver.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { DatabaseEndpoint, Target } from "./target.ts";

const READ_LIMIT_MS = 15_000;
/** SQLSTATE undefined_table. */
const NO_TABLE = "42P01";

/**
 * Counts the canary rows of each id over a connection of its own, which owes nothing to the server under test.
 * @throws Error when the table cannot be read within 15 s, or the signal fires
 */
export async function readCanaryRows(
  endpoint: DatabaseEndpoint,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const sql = connectDriver(endpoint, READ_LIMIT_MS);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
  const read = sql<
    { id: string; count: number }[]
  >`select id::text, count(*)::int as count from deby.canary group by id`;
  const rows = await within(sql, read.execute(), limit);
  return new Map(rows.map(({ id, count }) => [id, count]));
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
  const earlier = isForeign ? await readEarlierIds(endpoint, signal) : new Set<string>();
  return (rows) => new Map([...rows].filter(([id]) => !earlier.has(id)));
}

type Rows = ReadonlyMap<string, number>;
type ChooseRows = (rows: Rows, entries: readonly LedgerEntry[]) => Rows;

/** The ids that the table of a database holds from earlier: none of them is this run's. */
async function readEarlierIds(endpoint: DatabaseEndpoint, signal: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    return new Set((await readCanaryRows(endpoint, signal)).keys());
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_TABLE) return new Set();
    throw error;
  }
}
