import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import type { ArrivalMode } from "../../../src/outage/fault-mode.ts";
import { waitUntil, within } from "../../support/wait-until.ts";
import { type Fault, FEWEST_SESSIONS, POOL_MAX } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { describeEntry, isFailure, isSuccess, type LedgerEntry } from "./ledger.ts";
import { suspectedAt } from "./suspicion.ts";
import { inMidResult } from "./victims.ts";

const RESETS = 10;

/** Resets every connection at once while the server is well, and waits until the first new one is made. */
async function resetEverything(run: FaultRun): Promise<void> {
  const { proxy, served } = run;
  const old = new Set(proxy.connections);
  const { accepted } = proxy;
  const since = performance.now();
  run.breaking();
  const count = proxy.resetAll();
  if (count < FEWEST_SESSIONS) throw new Error(`Only ${count} connections were there to be reset`);
  await waitUntil("deby dials anew", () => proxy.accepted > accepted, { everyMs: 1 });
  // By its own word: this process and the ends of all the sessions share two processors with it.
  run.noticed(await waitUntil("deby tells that it noticed", () => suspectedAt(served.process.lines, since)));
  await waitUntil("the old connections are gone", () => !proxy.connections.some((one) => old.has(one)));
  run.healed();
}

export const resetOfAll: Fault = {
  name: `reset of all, ${RESETS} times`,
  outage: "none",
  failedWrites: POOL_MAX,
  async strike(run) {
    for (let count = 0; count < RESETS; count++) {
      await resetEverything(run);
      await run.recovered();
      await run.progress(POOL_MAX * 5);
    }
  },
};

async function resetInMidResult(run: FaultRun, request: Promise<LedgerEntry>): Promise<LedgerEntry> {
  run.breaking();
  await within("a large result has begun", 5000, inMidResult(run.proxy, { kind: "reset", afterBytes: 100 }));
  const entry = await request;
  run.healed();
  return entry;
}

export const readResetInMidResult: Fault = {
  name: "reset of one in mid-result of a read",
  outage: "none",
  failedWrites: 0,
  async strike(run) {
    const request = run.served.client.send({ kind: "other", method: "GET", path: "/faults/large-read" });
    const entry = await resetInMidResult(run, request);
    if (!isSuccess(entry)) throw new Error(`The read was not repeated: ${describeEntry(entry)}`);
  },
};

export const writeResetInMidResult: Fault = {
  name: "reset of one in mid-result of a write",
  outage: "none",
  failedWrites: 1,
  async strike(run) {
    const id = randomUUID();
    const path = `/faults/large-write/${run.segment}/${id}`;
    const entry = await resetInMidResult(run, run.served.client.send({ kind: "query", method: "PUT", path, id }));
    if (entry.outcome !== "unknown") throw new Error(`The write is not of unknown fate: ${describeEntry(entry)}`);
  },
};

/** Everything that stands is reset, and whoever connects meets this. */
function turnedAway(name: string, arrival: ArrivalMode, answer: string): Fault {
  return {
    name,
    outage: "declared",
    failedWrites: POOL_MAX,
    async strike(run) {
      run.breaking();
      await run.proxy.setNew(arrival);
      run.proxy.resetAll();
      run.broken();
      const met = await whatConnectingMeets(run.proxy.port, answer === "silence" ? SILENCE_MS : MEETING_MS);
      if (met !== answer) throw new Error(`Who connects meets ${met}, not ${answer}`);
      await run.declared({ outageMs: 2500 });
      run.nothingGotThrough();
      await run.proxy.setNew({ kind: "pass" });
      run.healed();
    },
  };
}

export const refused = turnedAway("refuse", { kind: "refuse" }, "ECONNREFUSED");
export const acceptedAndClosed = turnedAway("accept and close", { kind: "accept-and-close" }, "end");
export const acceptedAndMute = turnedAway("accept and stay mute", { kind: "accept-and-mute" }, "silence");
export const garbage = turnedAway("accept and send garbage", { kind: "garbage" }, "bytes");

/** Long enough for a proxy on the same machine to do what it does, if it does anything. */
const SILENCE_MS = 200;
const MEETING_MS = 5000;

function whatConnectingMeets(port: number, limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (met: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(met);
    };
    const timer = setTimeout(finish, limitMs, "silence");
    socket.on("data", () => finish("bytes"));
    socket.on("end", () => finish("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

/** Nothing is silent, and nothing gets anywhere: only deadlines help. */
export const oneByteASecond: Fault = {
  name: "1 byte a second",
  outage: "any",
  failedWrites: POOL_MAX,
  mayTurnAway: true,
  requestTimeoutMs: 3000,
  async strike(run) {
    const serverBytes = () => run.proxy.connections.reduce((sum, one) => sum + one.serverBytes, 0);
    run.breaking();
    await run.proxy.setAll({ kind: "throttle", bytesPerSecond: 1 });
    const before = serverBytes();
    run.broken();
    const ran = (entry: LedgerEntry) => entry.sentAt >= (run.outages.at(-1)?.brokenAt ?? 0) && isFailure(entry);
    // Some begin only when those before them have run into theirs, which in a soak are 10 s away.
    await waitUntil("requests run into their deadlines", () => run.entries.filter(ran).length >= POOL_MAX, {
      deadlineMs: 30_000,
    });
    run.nothingGotThrough();
    if (serverBytes() === before) throw new Error("Not a byte came through");
    await run.proxy.setAll({ kind: "pass" });
    run.healed();
  },
};
