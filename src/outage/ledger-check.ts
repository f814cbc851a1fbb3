import postgres from "postgres";
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
  const { host, port, user, password, database } = endpoint;
  const sql = postgres({
    host,
    port,
    user,
    password: password.reveal(),
    database,
    max: 1,
    ssl: false,
    fetch_types: false,
    connect_timeout: READ_LIMIT_MS / 1_000,
    onnotice: () => {},
    connection: { application_name: "deby-outage" },
  });
  // The driver alone bounds neither the wait for a connection nor the one for an answer.
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
  try {
    const rows = await Promise.race([
      sql<{ id: string; count: number }[]>`select id::text, count(*)::int as count from deby.canary group by id`,
      rejectedBy(limit),
    ]);
    return new Map(rows.map(({ id, count }) => [id, count]));
  } finally {
    await sql.end({ timeout: 0 }).catch(() => {});
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void => reject(new Error(`The table could not be read within ${READ_LIMIT_MS} ms`));
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse, { once: true });
  });
}
