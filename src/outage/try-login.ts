import { connectDriver, within } from "./driver.ts";
import type { DatabaseEndpoint } from "./target.ts";

const LIMIT_MS = 2_000;

/** What logging in ends with, over a connection of its own: `in`, the server's SQLSTATE or the socket's code. */
export async function tryLogin(endpoint: DatabaseEndpoint): Promise<string> {
  const sql = connectDriver(endpoint, LIMIT_MS);
  try {
    await within(sql, sql`select 1`.execute(), AbortSignal.timeout(LIMIT_MS));
    return "in";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
