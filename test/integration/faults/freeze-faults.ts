import { randomUUID } from "node:crypto";
import type { PostgresServer } from "../../support/postgres.ts";
import { signalQuietly } from "../../support/postgres-processes.ts";
import { listProcesses } from "../../support/process-list.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Fault, POOL_MAX, SILENCE_DETECTED_WITHIN_MS, STALL_AFTER_MS } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { describeEntry } from "./ledger.ts";
import { backendWith } from "./victims.ts";

export const frozenServer: Fault = {
  name: "SIGSTOP of all, then SIGCONT",
  outage: "declared",
  failedWrites: POOL_MAX,
  detectWithinMs: SILENCE_DETECTED_WITHIN_MS,
  async strike(run) {
    run.breaking();
    await run.server.freeze();
    run.broken();
    await run.declared({ outageMs: 4000 });
    run.nothingGotThrough();
    run.server.thaw();
    run.healed();
  },
};

/** What a frozen backend had begun is left alone until its own deadline: the statement may be a slow one. */
const REQUEST_TIMEOUT_MS = 5000;

export const frozenAtWork: Fault = {
  name: "SIGSTOP of one backend in mid-statement",
  outage: "none",
  failedWrites: 1,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  async strike(run) {
    const id = randomUUID();
    const path = `/faults/slow-transaction/${run.segment}/${id}/4000`;
    run.breaking();
    const transaction = run.served.client.send({ kind: "transaction", method: "PUT", path, id });
    const pid = await backendWith(run.server, "state = 'active' AND query LIKE '%pg_backend_pid() as pid%'");
    await freezeOne(pid);
    await run.progress(500);
    const entry = await transaction;
    thawOne(run, pid);
    if (entry.outcome !== "rolled-back") throw new Error(`The frozen transaction: ${describeEntry(entry)}`);
  },
};

export const frozenAtRest: Fault = {
  name: "SIGSTOP of one idle backend",
  outage: "none",
  // The one that is given to it.
  failedWrites: 1,
  async strike(run) {
    run.breaking();
    const pid = await freezeIdle(run.server);
    await run.useAllConnections();
    await run.somebodyStalled(STALL_AFTER_MS);
    await run.progress(500);
    thawOne(run, pid);
  },
};

/** One that is idle may be given a statement before it is frozen; then it was the wrong one. */
function freezeIdle(server: PostgresServer): Promise<number> {
  return waitUntil("an idle backend is frozen", async () => {
    const pid = await backendWith(server, "state = 'idle'");
    await freezeOne(pid);
    const [found] = await server.psql(`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid} AND state = 'idle'`);
    if (found === undefined) signalQuietly(pid, "SIGCONT");
    return found && pid;
  });
}

async function freezeOne(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const isFrozen = () =>
    listProcesses()
      .find((one) => one.pid === pid)
      ?.state.startsWith("T");
  await waitUntil(`backend ${pid} is frozen`, isFrozen);
}

function thawOne(run: FaultRun, pid: number): void {
  signalQuietly(pid, "SIGCONT");
  run.thawed();
}
