import { describe } from "bun:test";
import { pgBouncerAvailable } from "../../support/pgbouncer.ts";
import { exhaustedAndEnded, SMALL_SERVER } from "../faults/exhaustion-faults.ts";
import type { Fault } from "../faults/fault.ts";
import { frozenAtRest, frozenAtWork, frozenServer } from "../faults/freeze-faults.ts";
import { ownStall, slowStatements } from "../faults/harmless-faults.ts";
import * as network from "../faults/network-faults.ts";
import { fastStop, flapping, killed, longerThanDeadline, startedLater } from "../faults/restart-faults.ts";
import { allTerminated, passwordChanged, terminatedInTransaction } from "../faults/session-faults.ts";
import { answersCut, oneSilent, silence, silenceForAWhile } from "../faults/silence-faults.ts";
import { type FaultTest, testFaults } from "../faults/suite.ts";
import {
  loginRefused,
  pausedBriefly,
  pausedForLong,
  poolerFrozen,
  poolerKilled,
  poolerRestarted,
  serversReplaced,
} from "./pooler-faults.ts";

/**
 * `DEBY_FAULTS=all` runs them all, in some five minutes; any other value those whose names contain one of its parts,
 * separated by commas. Default: those that show each way of losing something behind a pooler once.
 */
const { DEBY_FAULTS = "" } = process.env;

/** PgBouncer tries to log in to the server so often, in seconds. Its default is 15, and nobody can be sooner than that. */
const SERVER_LOGIN_RETRY = 0.2;
/**
 * Usually its pause and one of its rounds, half a second in all. But it keeps one session waiting where it sends others
 * away; where that is the probe, the verdict's own limit passes first.
 */
const RECOVERED_WITHIN_MS = 2000;

/** The server itself is away; PgBouncer has to find it again before deby can. */
function serverAway(fault: Fault): Fault {
  return { ...fault, recoverWithinMs: RECOVERED_WITHIN_MS };
}

/**
 * Which backend a statement runs on cannot be told from here, so that nothing but its own deadline ends it; a read that
 * has waited so long is not repeated.
 */
function withoutVerdict(fault: Fault): Fault {
  return { ...fault, requestTimeoutMs: 5000, mayTurnAway: true };
}

/*
 * Left out of the suite's faults:
 * - `exhausted`: PgBouncer keeps the servers that are left and shares them, and lets in clients all the same.
 * - `passwordChangedAndEnded`, `databaseRenamed`: PgBouncer tells its clients only that its own login fails, so that
 *   there is nothing by which to call it blocked. `loginRefused` stands for both.
 * - `readCutInMidResult`, `writeCutInMidResult`: the judgement by a backend that cannot send, which needs its process id.
 */
const USUAL: readonly FaultTest[] = [
  { fault: serverAway(fastStop) },
  { fault: serverAway(killed) },
  { fault: frozenServer },
  { fault: frozenAtWork },
  { fault: silence },
  { fault: allTerminated },
  { fault: terminatedInTransaction },
  { fault: loginRefused },
  { fault: poolerKilled },
  { fault: poolerRestarted },
  { fault: poolerFrozen },
  { fault: pausedForLong },
  { fault: serversReplaced },
];

const RARE: readonly FaultTest[] = [
  { fault: serverAway(startedLater) },
  { fault: network.resetOfAll },
  { fault: slowStatements },
  { fault: serverAway(longerThanDeadline) },
  { fault: serverAway(flapping), limitMs: 120_000 },
  { fault: withoutVerdict(frozenAtRest) },
  { fault: silenceForAWhile },
  { fault: answersCut },
  { fault: withoutVerdict(oneSilent) },
  { fault: network.readResetInMidResult },
  { fault: network.writeResetInMidResult },
  { fault: network.refused },
  { fault: network.acceptedAndClosed },
  { fault: network.acceptedAndMute },
  { fault: network.garbage },
  { fault: network.oneByteASecond },
  { fault: passwordChanged },
  { fault: exhaustedAndEnded },
  { fault: ownStall },
  { fault: pausedBriefly },
];

function chosen(): readonly FaultTest[] {
  const all = [...USUAL, ...RARE];
  if (DEBY_FAULTS === "all") return all;
  const parts = DEBY_FAULTS.split(",").filter(Boolean);
  return parts.length === 0 ? USUAL : all.filter(({ fault }) => parts.some((part) => fault.name.includes(part)));
}

describe.skipIf(!pgBouncerAvailable)("through PgBouncer in transaction mode", () => {
  testFaults(chosen(), {
    ...SMALL_SERVER,
    pooler: { poolMode: "transaction", settings: { server_login_retry: SERVER_LOGIN_RETRY } },
  });
});
