import { relative } from "node:path";
import type { DatabaseTarget } from "../config/types.ts";
import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { systemRandom } from "../core/random.ts";
import { type EmbeddedEvent, EmbeddedPostgres } from "./supervisor.ts";

/**
 * Starts the embedded server for `deby serve` and tells the operator what it is and what becomes of it.
 * @throws DebyError CANNOT_RUN where the data folder cannot be used
 */
export async function serveEmbedded(dataDir: string, log: Log): Promise<EmbeddedPostgres> {
  let isFirst = true;
  const onEvent = (event: EmbeddedEvent): void => {
    switch (event.type) {
      case "ready": {
        const startMs = Math.round(event.startMs);
        const message = `The embedded PostgreSQL takes connections, ${startMs} ms after its start`;
        if (isFirst) log.debug("embedded.ready", message, { startMs });
        else log.info("embedded.ready", message, { startMs });
        isFirst = false;
        return;
      }
      case "ended": {
        const { reason, restartInMs } = event;
        log.warn("embedded.ended", `The embedded PostgreSQL has ended (${reason}), starting it again`, { restartInMs });
        return;
      }
      default:
        event satisfies never;
    }
  };
  const postgres = await EmbeddedPostgres.start({ dataDir, clock: systemClock, random: systemRandom, onEvent });
  const what = "Embedded PostgreSQL: one session shared by all connections, for trying and for tests";
  log.info("embedded.starting", `${what}; data in ${dataDir}`, { dataDir: postgres.dataDir, pid: postgres.pid });
  const file = relative("", postgres.serviceFile);
  log.debug("embedded.psql", `psql reaches it: PGSERVICEFILE=${file} psql service=deby`);
  return postgres;
}

/** The embedded server as a target; what is no part of its address stays as it was configured. */
export function embeddedTarget({ endpoint }: EmbeddedPostgres, configured: DatabaseTarget): DatabaseTarget {
  const { host, port, user, password, database } = endpoint;
  return {
    ...configured,
    hosts: [{ host, port }],
    database,
    user,
    password,
    sslmode: "disable",
    sslRootCert: undefined,
  };
}
