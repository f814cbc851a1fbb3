import { Secret } from "../../src/config/secret.ts";
import type { DatabaseTarget, PoolSettings } from "../../src/config/types.ts";
import { type OwnDatabase, openDatabase } from "../../src/database/database.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { defaultSettings, targetAt } from "./settings.ts";
import { waitUntil } from "./wait-until.ts";

export interface OpenedDatabase extends AsyncDisposable {
  readonly db: OwnDatabase;
  /** The states that it went through, the first one not included. */
  readonly states: string[];
}

/** An in-process database on a server: `await using opened = openOn(server)`; closed with the test. */
export function openOn(
  server: PostgresServer,
  settings: Partial<PoolSettings> = {},
  target: Partial<DatabaseTarget> = {},
): OpenedDatabase {
  const password = new Secret(server.password);
  const db = openDatabase(targetAt(server.port, { password, ...target }), { ...defaultSettings, ...settings });
  const states: string[] = [];
  db.on("transition", ({ to }) => void states.push(to.name));
  return { db, states, [Symbol.asyncDispose]: () => db.close({ graceMs: 0 }) };
}

/** How many sessions of this application the server has. */
export async function sessionsOf(server: Pick<PostgresServer, "psql">, applicationName: string): Promise<number> {
  const [row] = await server.psql<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = '${applicationName}'`,
  );
  return row?.count ?? 0;
}

/** Waits until the server has as many sessions of this application as wanted. */
export function waitForSessions(
  server: PostgresServer,
  applicationName: string,
  isWanted: (count: number) => boolean,
  deadlineMs = 5000,
): Promise<true> {
  const look = async () => isWanted(await sessionsOf(server, applicationName));
  return waitUntil(`the sessions of ${applicationName} are as wanted`, look, { deadlineMs, everyMs: 50 });
}
