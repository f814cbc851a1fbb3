import type { ConnectionOptions } from "./config/connection-options.ts";
import { loadConfig } from "./config/load.ts";
import { flagsOfOptions } from "./config/program-options.ts";
import { readTextFile } from "./config/read-file.ts";
import { printable } from "./core/printable.ts";
import { type Database, openDatabase } from "./database/database.ts";
import { type LineLog, logTo } from "./incidents/line-log.ts";
import { logDatabase } from "./incidents/operator-log.ts";

export interface DatabaseOptions extends ConnectionOptions {
  /**
   * Where everything is looked up that no option gives; `{}` for nowhere.
   * Default: `process.env`, into which Bun has read `.env`.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Told what an operator should know: warnings about the configuration, losses, attempts, recoveries.
   * Default: nobody is; `on()` tells the same to programs.
   */
  readonly log?: LineLog | undefined;
}

/** A database that its maker has to close: by `close()`, or by `await using`. */
export interface OwnDatabase extends Database, AsyncDisposable {}

const requestTimeouts = new WeakMap<Database, number>();

/**
 * A database that begins to connect in the next turn of the event loop, and reconnects for ever. It never throws because
 * the server is away: what is asked of it waits, at most for `requestTimeout`, or fails with a code.
 *
 * Until it is closed it keeps the process alive, as an open connection does. It listens to no signals, and writes
 * nothing, except to `log`; only of a listener of yours that throws `console.error` is told.
 * @throws DebyError CONFIG_INVALID, with every option and variable that is not valid.
 */
export function createDatabase(options: DatabaseOptions = {}): OwnDatabase {
  const { env = process.env, log, ...given } = options;
  const { config, warnings } = loadConfig({
    flags: flagsOfOptions({ ...given }),
    areOptions: true,
    environment: env,
    envFile: undefined,
    readFile: readTextFile,
    platform: process.platform,
  });
  const db = openDatabase(config.database, config.pool);
  if (log !== undefined) {
    for (const warning of warnings) log.warn(printable(warning));
    const told = { log: logTo(log), target: config.database, settings: config.pool, isEmbedded: true };
    const stopLogging = logDatabase(db, told);
    db.on("transition", ({ to }) => {
      if (to.name === "closed") stopLogging();
    });
  }
  const own: OwnDatabase = { ...db, [Symbol.asyncDispose]: () => db.close() };
  requestTimeouts.set(own, config.pool.requestTimeoutMs);
  return own;
}

/** @internal The deadline of requests on this database, in milliseconds; undefined where it is none of createDatabase's. */
export function requestTimeoutMsOf(db: Database): number | undefined {
  return requestTimeouts.get(db);
}
