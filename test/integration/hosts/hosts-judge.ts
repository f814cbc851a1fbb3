import { POOL_MAX } from "../faults/fault.ts";
import { makeFigures, type Table } from "../faults/figures.ts";
import { describeEntry, isFailure, type LedgerEntry } from "../faults/ledger.ts";

/** Examples of each kind that a judgement tells. */
const EXAMPLES = 3;

export interface HostsEvidence {
  readonly entries: readonly LedgerEntry[];
  readonly blindReads: readonly LedgerEntry[];
  readonly crashSigns: readonly string[];
  /** Of the host that is the primary in the end. */
  readonly table: Table;
  /** How often the primary was taken away. */
  readonly losses: number;
}

export interface HostsVerdict {
  /** Each broken promise in a sentence; empty when all were kept. */
  readonly broken: readonly string[];
  /** Acknowledged and not in the table, whether that is a broken promise or not. */
  readonly lost: readonly LedgerEntry[];
  readonly failed: readonly LedgerEntry[];
}

/**
 * Pure. What was in flight on a connection that died may fail, as long as its answer says what is known of it; a write
 * with a key may not, nor may a read, nor may anything fail that was not sent yet.
 */
export function judgeHosts({ entries, blindReads, crashSigns, table, losses }: HostsEvidence): HostsVerdict {
  const { lost, doubled, denied, failed } = makeFigures(entries, table, { outages: [], changes: [], starved: [] });
  // A canary that is not there is a blind read.
  const failures = failed.filter(({ kind, status }) => !(kind === "read" && status === 404));
  const inFlight = failures.filter((entry) => isPlainWrite(entry) && isInFlight(entry));
  const inFlightLimit = losses * POOL_MAX;
  const lostIds = new Set(lost.map(({ id }) => id));
  const isLost = ({ id, path }: LedgerEntry) => lostIds.has(id ?? path.slice(path.lastIndexOf("/") + 1));
  const broken = [
    ...complain(
      "without an answer",
      entries.filter(({ ending }) => ending !== "answered"),
    ),
    ...complain("writes are there twice", doubled),
    ...complain("writes are there although their answer denied it", denied),
    ...complain(
      "reads did not see an acknowledged write",
      blindReads.filter((entry) => !isLost(entry)),
    ),
    ...complain("requests failed by the role of their server", failures.filter(isRoleFailure)),
    ...(inFlight.length > inFlightLimit
      ? complain(`writes in flight failed, more than ${inFlightLimit}`, inFlight)
      : []),
    ...complain(
      "requests failed that could have waited or be repeated",
      failures.filter((entry) => !inFlight.includes(entry)),
    ),
    ...crashSigns.map((line) => `deby printed: ${line}`),
  ];
  return { broken, lost, failed: failures };
}

function complain(what: string, entries: readonly LedgerEntry[]): string[] {
  if (entries.length === 0) return [];
  const examples = entries.slice(0, EXAMPLES).map(describeEntry).join(" | ");
  return [`${entries.length} ${what}: ${examples}`];
}

function isPlainWrite({ kind }: LedgerEntry): boolean {
  return kind === "query" || kind === "transaction";
}

function isInFlight({ outcome }: LedgerEntry): boolean {
  return outcome === "unknown" || outcome === "rolled-back";
}

/** SQLSTATE 25006, by name or by number. */
function isRoleFailure(entry: LedgerEntry): boolean {
  return isFailure(entry) && (entry.code === "READ_ONLY" || /25006|read-only/.test(entry.detail ?? ""));
}
