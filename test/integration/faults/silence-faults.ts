import { randomUUID } from "node:crypto";
import { within } from "../../support/wait-until.ts";
import { type Fault, POOL_MAX, SILENCE_DETECTED_WITHIN_MS, STALL_AFTER_MS } from "./fault.ts";
import type { FaultRun } from "./fault-run.ts";
import { describeEntry, isSuccess, type LedgerEntry, tookMs } from "./ledger.ts";
import { backendWith, busiestConnection, inMidResult } from "./victims.ts";

const CUT_OFF = {
  outage: "declared",
  failedWrites: POOL_MAX,
  detectWithinMs: SILENCE_DETECTED_WITHIN_MS,
} as const;

/** Long enough for a silence to have been noticed, and for it to last a while then. */
const OUTAGE_MS = 4000;

async function cutOff(run: FaultRun, kind: "silence" | "silence-replies"): Promise<void> {
  run.breaking();
  await run.proxy.setAll({ kind });
  run.broken();
  await run.declared({ outageMs: OUTAGE_MS });
  run.nothingGotThrough();
}

export const silence: Fault = {
  ...CUT_OFF,
  name: "silence both ways that heals only for new connections",
  async strike(run) {
    await cutOff(run, "silence");
    await run.proxy.setNew({ kind: "pass" });
    run.healed();
    await run.recovered();
    // What deby has reset by then is now heard of by the server.
    run.proxy.setExisting({ kind: "pass" });
    run.thawed();
  },
};

export const answersCut: Fault = {
  ...CUT_OFF,
  name: "the server's answers are cut, on all connections",
  async strike(run) {
    await cutOff(run, "silence-replies");
    await run.proxy.setAll({ kind: "pass" });
    run.healed();
  },
};

const SHORT_DEADLINE_MS = 1000;

/** Each wait that would tell of the silence ends before it can; the next one has to. */
export const silenceForAWhile: Fault = {
  ...CUT_OFF,
  name: "a silence longer than the deadline of requests",
  requestTimeoutMs: SHORT_DEADLINE_MS,
  detectWithinMs: SHORT_DEADLINE_MS + SILENCE_DETECTED_WITHIN_MS,
  mayTurnAway: true,
  async strike(run) {
    await cutOff(run, "silence");
    await run.proxy.setAll({ kind: "pass" });
    run.healed();
  },
};

const ONE_CONNECTION = { outage: "none", failedWrites: 1 } as const;

export const oneSilent: Fault = {
  ...ONE_CONNECTION,
  name: "silence for ever on one connection",
  async strike(run) {
    const victim = busiestConnection(run.proxy);
    run.breaking();
    victim.mode = { kind: "silence" };
    await run.useAllConnections();
    await run.somebodyStalled(STALL_AFTER_MS);
    await run.progress(500);
    victim.mode = { kind: "pass" };
    run.thawed();
  },
};

/** A result that fills every buffer on the way, until the backend cannot write any more. */
async function cutAnswer(run: FaultRun, request: Promise<LedgerEntry>): Promise<LedgerEntry> {
  run.breaking();
  const victim = await within("a large result has begun", BEGUN_WITHIN_MS, inMidResult(run.proxy, CUT));
  await backendWith(run.server, "wait_event = 'ClientWrite' AND query LIKE '%as ballast%'");
  const entry = await request;
  victim.mode = { kind: "pass" };
  run.thawed();
  return entry;
}

/** The answer stays away for stall-after, then its backend has to be unable to send for as long again. */
const GIVEN_UP_WITHIN_MS = STALL_AFTER_MS + SILENCE_DETECTED_WITHIN_MS;

function proveInTime(entry: LedgerEntry): void {
  if (tookMs(entry) > GIVEN_UP_WITHIN_MS) throw new Error(`Given up too late: ${describeEntry(entry)}`);
}

const BEGUN_WITHIN_MS = 5000;
const CUT = { kind: "silence-replies", afterBytes: 100 } as const;

export const readCutInMidResult: Fault = {
  ...ONE_CONNECTION,
  name: "answers of one connection cut in mid-result of a read",
  failedWrites: 0,
  async strike(run) {
    const request = run.served.client.send({ kind: "other", method: "GET", path: "/faults/large-read" });
    const entry = await cutAnswer(run, request);
    if (!isSuccess(entry)) throw new Error(`The read was not repeated: ${describeEntry(entry)}`);
    proveInTime(entry);
  },
};

export const writeCutInMidResult: Fault = {
  ...ONE_CONNECTION,
  name: "answers of one connection cut in mid-result of a write",
  async strike(run) {
    const id = randomUUID();
    const path = `/faults/large-write/${run.segment}/${id}`;
    const entry = await cutAnswer(run, run.served.client.send({ kind: "query", method: "PUT", path, id }));
    if (entry.outcome !== "unknown") throw new Error(`The write is not of unknown fate: ${describeEntry(entry)}`);
    proveInTime(entry);
  },
};
