import type { DatabaseTarget, PoolSettings } from "../../../src/config/types.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import type { PostgresServer } from "../../support/postgres.ts";

export const poolModes = ["session", "transaction"] as const;

/** An in-process database on a server with a PgBouncer before it. */
export function openThrough(
  { port }: { readonly port: number },
  server: PostgresServer,
  settings: Partial<PoolSettings> = {},
  target: Partial<DatabaseTarget> = {},
): OpenedDatabase {
  return openOn(server, settings, { hosts: [{ host: "127.0.0.1", port }], ...target });
}
