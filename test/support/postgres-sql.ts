import postgres from "postgres";
import { ADMIN, DATABASE } from "./postgres-template.ts";
import { within } from "./wait-until.ts";

export type Row = Record<string, unknown>;

/** pg_hba.conf's first line and pg_ident.conf's only one: this process may come in as the tests' own superuser. */
export const ADMIN_HBA = `local all ${ADMIN} peer map=tests`;
// Not os.userInfo(): Bun 1.4.5 calls the user "unknown" where USER is not set.
export const ADMIN_IDENT = `tests ${Bun.spawnSync(["id", "-un"]).stdout.toString().trim()} ${ADMIN}`;

export interface SqlOptions {
  /** Default `deby_ecommerce`. */
  readonly database?: string;
  /** Default 10 000 ms, connecting included. */
  readonly deadlineMs?: number;
}

/**
 * Runs SQL on a connection of its own, in the name of `postgres`, and returns the last statement's rows.
 * Comes in over the Unix socket by peer, so that it works whatever a test did to passwords, pg_hba.conf and TCP.
 */
export async function runSql<T extends Row>(
  at: { readonly socketDir: string; readonly port: number },
  sql: string,
  options: SqlOptions = {},
): Promise<T[]> {
  const { database = DATABASE, deadlineMs = 10_000 } = options;
  const client = postgres({
    host: at.socketDir,
    port: at.port,
    user: ADMIN,
    database,
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    // What the SQL creates belongs to postgres, and checks for superuser sessions see nobody but it.
    connection: { application_name: "deby-test", role: "postgres" },
  });
  try {
    const rows = (await within(`an answer to ${sql}`, deadlineMs, client.unsafe(sql).simple())) as unknown[];
    return [...((Array.isArray(rows[0]) ? rows.at(-1) : rows) as T[])];
  } finally {
    await client.end({ timeout: 1 });
  }
}
