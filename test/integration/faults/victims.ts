import type { FaultConnection } from "../../../src/outage/fault-connection.ts";
import type { ChunkVerdict } from "../../../src/outage/fault-mode.ts";
import type { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { ROLE } from "./stage.ts";

/** What the large results of the suite's routes are full of. */
const BALLAST = "deby-ballastdeby-ballast";

/** Waits for the first piece of a large result and does to its connection what the verdict says; just once. */
export function inMidResult(proxy: FaultProxy, verdict: ChunkVerdict): Promise<FaultConnection> {
  const { promise, resolve } = Promise.withResolvers<FaultConnection>();
  proxy.onServerData = (connection, chunk) => {
    if (!chunk.includes(BALLAST)) return undefined;
    proxy.onServerData = () => undefined;
    resolve(connection);
    return verdict;
  };
  return promise;
}

/** The proxy's connection with the most traffic: one of the pool, never that of the heartbeat. */
export function busiestConnection(proxy: FaultProxy): FaultConnection {
  const [busiest] = proxy.connections.toSorted((a, b) => b.clientBytes - a.clientBytes);
  if (busiest === undefined) throw new Error("Nobody is connected");
  return busiest;
}

/** The backend of deby that runs, or has run last, a statement with this text; waits until there is one. */
export function backendWith(server: PostgresServer, condition: string): Promise<number> {
  return waitUntil(`a backend with ${condition}`, async () => {
    const [row] = await server.psql<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE usename = '${ROLE}' AND application_name = 'deby' AND ${condition}`,
    );
    return row?.pid;
  });
}

/** Ends all sessions of deby, or those with a condition; returns their pids once they are gone. */
export async function terminate(server: PostgresServer, condition = "true"): Promise<number[]> {
  const rows = await server.psql<{ pid: number }>(
    `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE usename = '${ROLE}' AND application_name LIKE 'deby%' AND ${condition}`,
  );
  const pids = rows.map(({ pid }) => pid);
  const left = `SELECT pid FROM pg_stat_activity WHERE pid = ANY('{${pids}}')`;
  await waitUntil("the sessions have ended", async () => (await server.psql(left)).length === 0, { everyMs: 5 });
  return pids;
}
