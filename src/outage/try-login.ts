import postgres from "postgres";
import type { DatabaseEndpoint } from "./target.ts";

const LIMIT_MS = 2_000;

/** What logging in ends with, over a connection of its own: `in`, the server's SQLSTATE or the socket's code. */
export async function tryLogin(endpoint: DatabaseEndpoint): Promise<string> {
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
    connect_timeout: LIMIT_MS / 1_000,
    onnotice: () => {},
    connection: { application_name: "deby-outage" },
  });
  try {
    return await Promise.race([sql`select 1`.then(() => "in"), Bun.sleep(LIMIT_MS).then(() => "no answer")]);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await sql.end({ timeout: 0 }).catch(() => {});
  }
}
