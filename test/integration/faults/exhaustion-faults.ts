import type { PostgresOptions } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { sessions } from "./aftermath.ts";
import { type Fault, POOL_MAX } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { GREEDY_HBA, GreedyClient } from "./greedy-client.ts";
import { ROLE } from "./stage.ts";
import { terminate } from "./victims.ts";

/**
 * Room for the pool twice, since a server keeps what it has not heard the end of. Whoever is about to be turned away
 * takes a place of the superuser's for a moment, so there are more of these than anybody dials at once.
 */
export const SMALL_SERVER: PostgresOptions = {
  settings: { max_connections: "80", superuser_reserved_connections: "25" },
  hba: GREEDY_HBA,
};

const DIALLERS = 8;

/**
 * Ends sessions of deby and gives their places to the other client. The role's own limit keeps deby out until that has
 * happened, or it would be a matter of luck who is faster.
 */
async function displace(run: FaultRun, greedy: GreedyClient, condition: string): Promise<number> {
  const { server } = run;
  await greedy.takeAll();
  await server.psql(`ALTER ROLE ${ROLE} CONNECTION LIMIT 0`);
  run.breaking();
  await terminate(server, condition);
  await greedy.takeAll();
  await server.psql(`ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
  const { pooled, probes } = await sessions(server);
  return pooled.length + probes.length;
}

export const exhausted: Fault = {
  name: "max_connections exhausted by another client",
  outage: "none",
  failedWrites: POOL_MAX,
  env: { DEBY_HEARTBEAT_INTERVAL: "500ms" },
  async strike(run) {
    using greedy = new GreedyClient(run.server, DIALLERS);
    const left = await displace(run, greedy, "application_name = 'deby' AND pid % 2 = 0");
    // Health may tell of a place that was refused before the last of these sessions has ended.
    run.broken();
    if (left === 0 || left >= POOL_MAX) throw new Error(`deby has ${left} sessions left`);
    await waitUntil("health tells of 53300", () => run.served.health.last?.reason === "53300");
    await run.progress(300);
    greedy[Symbol.dispose]();
    run.healed();
  },
};

export const exhaustedAndEnded: Fault = {
  name: "max_connections exhausted, and live connections ended",
  outage: "declared",
  failedWrites: POOL_MAX,
  async strike(run) {
    using greedy = new GreedyClient(run.server, DIALLERS);
    const left = await displace(run, greedy, "true");
    if (left > 0) throw new Error(`deby has ${left} sessions left`);
    run.broken();
    await run.declared({ outageMs: 2500 });
    run.nothingGotThrough();
    greedy[Symbol.dispose]();
    run.healed();
  },
};
