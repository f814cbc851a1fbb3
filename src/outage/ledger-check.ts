import { connectDriver, within } from "./driver.ts";
import type { DatabaseEndpoint } from "./target.ts";

const READ_LIMIT_MS = 15_000;

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
