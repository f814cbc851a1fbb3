import postgres from "postgres";
import type { PostgresServer } from "../../support/postgres.ts";
import { PASSWORD, ROLE } from "./stage.ts";

/**
 * How long a bare client that dials now waits for the answer to its first statement, in milliseconds: nobody who has to
 * log in can be sooner on this machine, and under this load.
 */
export async function barelyServedMs({ host, port, database }: PostgresServer): Promise<number> {
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
  const dialledAt = performance.now();
  const sql = postgres(options);
  try {
    await sql`select 1`;
    return performance.now() - dialledAt;
  } finally {
    await sql.end({ timeout: 0 });
  }
}
