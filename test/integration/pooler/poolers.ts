import type { DatabaseTarget, PoolSettings } from "../../../src/config/types.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import type { PgBouncer } from "../../support/pgbouncer.ts";
import type { PostgresServer } from "../../support/postgres.ts";

export const poolModes = ["session", "transaction"] as const;

/** An in-process database on a server with a PgBouncer before it. */
export function openThrough(
  pooler: PgBouncer,
  server: PostgresServer,
  settings: Partial<PoolSettings> = {},
  target: Partial<DatabaseTarget> = {},
): OpenedDatabase {
  return openOn(server, settings, { hosts: [{ host: pooler.host, port: pooler.port }], ...target });
}
