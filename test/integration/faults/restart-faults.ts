import { probeRaw } from "../../../src/outage/raw-probe.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { waitAccepting } from "../../support/raw-probe.ts";
import { type Fault, POOL_MAX } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { barelyServedMs } from "./peer.ts";
import { SessionWitness } from "./session-witness.ts";
import { ROLE } from "./stage.ts";

const START_DEADLINE_MS = 20_000;

type TakeAway = (server: PostgresServer) => Promise<void>;

const stopFast: TakeAway = (server) => server.stop("fast");
const kill: TakeAway = (server) => server.kill9();

/** Takes the server away and starts it again. */
async function restart(run: FaultRun, takeAway: TakeAway, outageMs?: number): Promise<void> {
  const { server } = run;
  using witness = await SessionWitness.open(server, ROLE);
  run.breaking();
  await takeAway(server);
  run.closed(await witness.closed());
  await proveRefusing(server);
  run.broken();
  // A server that is back before anything is proven was not away.
  if (outageMs === 0) await run.detected({ outageMs });
  else await run.declared(outageMs === undefined ? {} : { outageMs });
  run.nothingGotThrough();
  await startServer(run);
}

async function startServer(run: FaultRun): Promise<void> {
  const { host, port } = run.server;
  const accepting = waitAccepting({ host, port, deadlineMs: START_DEADLINE_MS });
  const [{ at }] = await Promise.all([accepting, run.server.start()]);
  run.healed(at);
}

async function proveRefusing({ host, port, database }: PostgresServer): Promise<void> {
  const answer = await probeRaw({ host, port, user: ROLE, database, limitMs: 1000 });
  if (answer !== "refused") throw new Error(`The server is away, but its port is ${answer}`);
}

/** A crash is one when the server says on its next start that it was. */
async function crash(run: FaultRun, outageMs?: number): Promise<void> {
  const recoveries = () => run.server.log.split("was not properly shut down").length;
  const before = recoveries();
  await restart(run, kill, outageMs);
  if (recoveries() !== before + 1) throw new Error("The server was killed, but has recovered from nothing");
}

async function repeat(run: FaultRun, times: number, outage: () => Promise<void>): Promise<void> {
  for (let count = 0; count < times; count++) {
    if (count > 0) await run.recovered();
    await outage();
  }
}

/** Five times what is promised, for a machine that has other things to do at that moment. */
const RECOVERED_WITHIN_MS = 500;

const RESTART = { outage: "declared", failedWrites: POOL_MAX, recoverWithinMs: RECOVERED_WITHIN_MS } as const;

export const fastStop: Fault = { ...RESTART, name: "fast stop and start", strike: (run) => restart(run, stopFast) };

export const killed: Fault = { ...RESTART, name: "kill -9 of the postmaster", strike: (run) => crash(run) };

export const flapping: Fault = {
  ...RESTART,
  name: "20 outages in a row",
  outage: "any",
  strike: (run) => repeat(run, 20, () => restart(run, stopFast, 0)),
};

export const startedLater: Fault = {
  ...RESTART,
  name: "server started after deby",
  until: "listening",
  prepare: (server) => server.stop(),
  async strike(run) {
    run.breaking();
    await proveRefusing(run.server);
    run.broken();
    await run.detected();
    run.nothingGotThrough();
    await startServer(run);
  },
  // What was never there cannot be lost.
  outage: "any",
  failedWrites: 0,
};

/** Requests that cannot wait so long are told so, in time, and that nothing was executed. */
export const longerThanDeadline: Fault = {
  ...RESTART,
  name: "an outage longer than the deadline of requests",
  requestTimeoutMs: 1000,
  mayTurnAway: true,
  strike: (run) => restart(run, stopFast, 2500),
};

/** With what a bare client takes here, which dials once all is well, so that it takes nothing from who recovers. */
async function beside(run: FaultRun, outage: () => Promise<void>): Promise<void> {
  await outage();
  await run.recovered();
  run.peerServed(await barelyServedMs(run.server));
}

/** As long as the recovery's figures are measured by. */
const LONG_OUTAGE_MS = 5000;
const LONG_OUTAGES = 10;

export const tenStops: Fault = {
  ...RESTART,
  name: "10 stops of 5 s",
  through: "server",
  strike: (run) => repeat(run, LONG_OUTAGES, () => beside(run, () => restart(run, stopFast, LONG_OUTAGE_MS))),
};

export const tenKills: Fault = {
  ...RESTART,
  name: "10 kills of 5 s",
  through: "server",
  strike: (run) => repeat(run, LONG_OUTAGES, () => beside(run, () => crash(run, LONG_OUTAGE_MS))),
};
