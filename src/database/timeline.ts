import type { Connection } from "./connection.ts";

/** For one question to a server that has just answered, in milliseconds. */
const LIMIT_MS = 500;

/**
 * A promotion begins a new timeline: of two servers that both take writes, the one with the higher number was promoted
 * later. Source: PostgreSQL documentation, timelines; the first eight digits of a WAL file's name.
 */
const TIMELINE = "select substring(pg_walfile_name(pg_current_wal_lsn()) for 8) as timeline";

/** The number of the timeline that a server writes to; 0 where it does not tell. */
export async function timelineOf(connection: Pick<Connection, "control">, now: number): Promise<number> {
  try {
    const { rows } = await connection.control<{ timeline: string }>(TIMELINE, now + LIMIT_MS);
    return Number.parseInt(rows[0]?.timeline ?? "0", 16);
  } catch {
    return 0;
  }
}
