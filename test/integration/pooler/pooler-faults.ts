import { type Fault, POOL_MAX, SILENCE_DETECTED_WITHIN_MS, STALL_AFTER_MS } from "../faults/fault.ts";
import type { FaultRun } from "../faults/fault-run.ts";
import { PASSWORD, ROLE } from "../faults/stage.ts";
import { terminate } from "../faults/victims.ts";

/** Nothing but PgBouncer itself is away: deby dials it directly, so that nobody listens then. */
const POOLER_AWAY = { outage: "declared", failedWrites: POOL_MAX, through: "server" } as const;

async function comeBack(run: FaultRun): Promise<void> {
  run.nothingGotThrough();
  await run.pooler.start();
  run.healed();
}

export const poolerKilled: Fault = {
  ...POOLER_AWAY,
  name: "kill -9 of PgBouncer",
  async strike(run) {
    run.breaking();
    await run.pooler.kill9();
    run.broken();
    await run.declared();
    await comeBack(run);
  },
};

const RESTARTS = 5;

export const poolerRestarted: Fault = {
  ...POOLER_AWAY,
  name: `PgBouncer restarted, ${RESTARTS} times`,
  outage: "any",
  async strike(run) {
    for (let count = 0; count < RESTARTS; count++) {
      if (count > 0) await run.recovered();
      run.breaking();
      await run.pooler.stop();
      run.broken();
      await comeBack(run);
    }
  },
};

export const poolerFrozen: Fault = {
  ...POOLER_AWAY,
  name: "SIGSTOP of PgBouncer, then SIGCONT",
  detectWithinMs: SILENCE_DETECTED_WITHIN_MS,
  async strike(run) {
    run.breaking();
    await run.pooler.freeze();
    run.broken();
    await run.declared({ outageMs: 4000 });
    run.nothingGotThrough();
    run.pooler.thaw();
    run.healed();
  },
};

/** For so long an operator may hold everybody back, say to move the server. */
async function pause(run: FaultRun, forMs: number): Promise<void> {
  run.breaking();
  await run.pooler.admin("PAUSE");
  run.broken();
  await Bun.sleep(forMs);
  run.nothingGotThrough();
  await run.pooler.admin("RESUME");
  run.healed();
}

/** deby's default heartbeat-timeout: so long nobody is answered before a queue is taken for an outage. */
const QUEUE_LIMIT_MS = 5000;

export const pausedBriefly: Fault = {
  name: "PAUSE for longer than stall-after, then RESUME",
  outage: "none",
  failedWrites: 0,
  strike: (run) => pause(run, STALL_AFTER_MS + 1000),
};

/** Whoever waits in PgBouncer cannot know for what. */
export const pausedForLong: Fault = {
  name: "PAUSE for twice heartbeat-timeout, then RESUME",
  outage: "declared",
  failedWrites: POOL_MAX,
  detectWithinMs: SILENCE_DETECTED_WITHIN_MS,
  strike: (run) => pause(run, 2 * QUEUE_LIMIT_MS),
};

const RECONNECTS = 10;

export const serversReplaced: Fault = {
  name: `RECONNECT: all servers replaced, ${RECONNECTS} times`,
  outage: "none",
  failedWrites: 0,
  async strike(run) {
    run.breaking();
    for (let count = 0; count < RECONNECTS; count++) {
      await run.pooler.admin("RECONNECT");
      await run.progress(POOL_MAX * 5);
    }
    run.healed();
  },
};

/** Whatever refuses PgBouncer, its clients are told no more than that it has no server. */
export const loginRefused: Fault = {
  name: "PgBouncer's own login refused, and its servers ended",
  outage: "declared",
  failedWrites: POOL_MAX,
  async strike(run) {
    const { server } = run;
    run.breaking();
    await server.psql(`ALTER ROLE ${ROLE} PASSWORD 'another-password'`);
    await terminate(server);
    run.broken();
    await run.declared({ outageMs: 2500 });
    run.nothingGotThrough();
    await server.psql(`ALTER ROLE ${ROLE} PASSWORD '${PASSWORD}'`);
    run.healed();
  },
};
