import type { Fault } from "./fault.ts";
import type { Outage } from "./fault-run.ts";
import type { Figures } from "./figures.ts";
import type { Sighting } from "./health.ts";
import { describeEntry, isFailure, isWrite, type LedgerEntry, tookMs } from "./ledger.ts";
import { type Starvation, starvedMs } from "./starvation.ts";

/** How much later than its deadline an answer may come. */
const LATE_AFTER_MS = 100;
const DEFAULT_RECOVERY_MS = 2000;
/** Examples of each kind that a judgement tells. */
const EXAMPLES = 3;

export interface Evidence {
  readonly entries: readonly LedgerEntry[];
  readonly figures: Figures;
  readonly blindReads: readonly LedgerEntry[];
  readonly outages: readonly Outage[];
  readonly changes: readonly Sighting[];
  /** What deby has logged since the fault began. */
  readonly events: readonly string[];
  readonly crashSigns: readonly string[];
  readonly requestTimeoutMs: number;
  /** When the machine gave deby no processor: it can answer nobody then, and does not know how long a request has waited. */
  readonly starved: readonly Starvation[];
}

/** What deby has broken of its promises, each in a sentence; empty when all were kept. Pure. */
export function judge(fault: Fault, evidence: Evidence): string[] {
  return [
    ...judgeAnswers(evidence),
    ...judgeRows(evidence),
    ...judgeFailures(fault, evidence),
    ...judgeOutage(fault, evidence),
    ...evidence.crashSigns.map((line) => `deby printed: ${line}`),
  ];
}

/** Every request has a definite answer within its deadline. */
function judgeAnswers({ entries, requestTimeoutMs, starved }: Evidence): string[] {
  const isOver = (entry: LedgerEntry) => {
    const lateMs = tookMs(entry) - entry.unreadMs - requestTimeoutMs;
    return (
      lateMs > LATE_AFTER_MS &&
      lateMs - starvedMs(starved, entry.sentAt, entry.sentAt + requestTimeoutMs) > LATE_AFTER_MS
    );
  };
  const isVague = (entry: LedgerEntry) => isFailure(entry) && isWrite(entry) && entry.outcome === undefined;
  return [
    ...complain(
      "without an answer",
      entries.filter(({ ending }) => ending !== "answered"),
    ),
    ...complain("answered past the deadline", entries.filter(isOver)),
    ...complain("writes failed without saying whether they were executed", entries.filter(isVague)),
  ];
}

function judgeRows({ figures, blindReads }: Evidence): string[] {
  return [
    ...complain("acknowledged writes are missing", figures.lost),
    ...complain("writes are there twice", figures.doubled),
    ...complain("writes are there although their answer denied it", figures.denied),
    ...complain("reads did not see an acknowledged write", blindReads),
  ];
}

function judgeFailures({ failedWrites, mayTurnAway }: Fault, { figures, outages, changes }: Evidence): string[] {
  const failed = figures.failed.filter(({ kind }) => kind !== "other");
  // What was sent before the break was complete and known could not be spared; whatever else waits has to wait on.
  const wasInFlight = (entry: LedgerEntry) =>
    entry.outcome !== "not-executed" && outages.some((outage) => couldNotKnow(entry, outage, changes));
  const inFlight = failed.filter((entry) => isWrite(entry) && wasInFlight(entry));
  const others = failed.filter((entry) => !inFlight.includes(entry));
  const limit = failedWrites * outages.length;
  if (mayTurnAway) return [];
  return [
    ...(inFlight.length > limit ? complain(`writes in flight failed, more than ${limit}`, inFlight) : []),
    ...complain("requests failed that could have waited or be repeated", others),
  ];
}

function couldNotKnow(entry: LedgerEntry, { breakingAt, brokenAt = 0 }: Outage, changes: readonly Sighting[]): boolean {
  const noticedAt = changes.find(({ at, status }) => at >= breakingAt && status !== "ok")?.at;
  const { sentAt, endedAt = sentAt } = entry;
  return endedAt >= breakingAt && sentAt <= Math.max(brokenAt, noticedAt ?? Number.POSITIVE_INFINITY);
}

function judgeOutage(fault: Fault, { figures, outages, changes, events }: Evidence): string[] {
  const { outage, detectWithinMs = Number.POSITIVE_INFINITY, recoverWithinMs = DEFAULT_RECOVERY_MS } = fault;
  const declared = events.filter((event) => event === "db.lost" || event === "db.blocked").length;
  const wrong: string[] = [];
  if (outage === "none" && declared > 0) wrong.push(`${declared} outages were declared where there was none`);
  const bad = changes.filter(({ at, status }) => status === "error" && at >= (outages[0]?.breakingAt ?? 0));
  if (outage === "none" && bad.length > 0) wrong.push(`health said ${bad.map(({ state }) => state).join(", ")}`);
  if (outage === "declared" && declared < outages.length) {
    wrong.push(`${declared} outages were declared, ${outages.length} happened`);
  }
  const isDetected = outage !== "declared" || figures.detectMs.length === outages.length;
  if (!isDetected) wrong.push("health did not tell of every outage");
  for (const ms of figures.detectMs) if (ms > detectWithinMs) wrong.push(`detected only after ${ms.toFixed(0)} ms`);
  for (const ms of figures.recoverMs) if (ms > recoverWithinMs) wrong.push(`recovered only after ${ms.toFixed(0)} ms`);
  return wrong;
}

function complain(what: string, entries: readonly LedgerEntry[]): string[] {
  if (entries.length === 0) return [];
  const examples = entries.slice(0, EXAMPLES).map(describeEntry).join(" | ");
  return [`${entries.length} ${what}: ${examples}`];
}
