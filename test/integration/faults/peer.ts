import postgres from "postgres";
import type { PostgresServer } from "../../support/postgres.ts";
import { PASSWORD, ROLE } from "./stage.ts";

/**
 * When a bare client that dials at this moment has its first statement answered, by `performance.now()`: nobody who has
 * to log in again can be sooner on this machine, and under this load.
 */
export async function answeredBarely({ host, port, database }: PostgresServer): Promise<number> {
  const options = {
    host,
    port,
    database,
    username: ROLE,
    password: PASSWORD,
    max: 1,
    fetch_types: false,
    idle_timeout: 1,
  };
  const sql = postgres(options);
  try {
    await sql`select 1`;
    return performance.now();
  } finally {
    await sql.end({ timeout: 0 });
  }
}
