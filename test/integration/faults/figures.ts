import type { Outage } from "./fault-run.ts";
import type { Sighting } from "./health.ts";
import { isFailure, isSuccess, isWrite, type LedgerEntry, tookMs } from "./ledger.ts";
import { type Starvation, starvedMs } from "./starvation.ts";

/** A success that took longer was held. */
const HELD_AFTER_MS = 200;

/** How often the table has an id of the ledger. */
export type Table = ReadonlyMap<string, number>;

/** What one fault did to the callers. Lists of entries count; times in milliseconds, one for each outage. */
export interface Figures {
  /** Both without the time in which the machine starved deby. The break, or the first closed socket, to the first health that is not `ok`, or to another sign of notice; empty where none was. */
  readonly detectMs: readonly number[];
  /** Healing to the first success, without its work; empty where it was not proven that none could succeed. */
  readonly recoverMs: readonly number[];
  /** How long a bare client that dialled after the recovery waited for its first answer. */
  readonly peerMs: readonly number[];
  readonly held: readonly LedgerEntry[];
  readonly failed: readonly LedgerEntry[];
  /** Acknowledged and not in the table. */
  readonly lost: readonly LedgerEntry[];
  /** In the table more than once. */
  readonly doubled: readonly LedgerEntry[];
  /** Failures that left open whether the row was written. */
  readonly unknown: readonly LedgerEntry[];
  /** In the table although the answer said that it was not written. */
  readonly denied: readonly LedgerEntry[];
}

/** What was seen from outside. */
export interface Watched {
  readonly outages: readonly Outage[];
  readonly changes: readonly Sighting[];
  readonly starved: readonly Starvation[];
}

/** Pure: from the ledger, the health and the table to the figures. */
export function makeFigures(
  entries: readonly LedgerEntry[],
  table: Table,
  { outages, changes, starved }: Watched,
): Figures {
  const written = (entry: LedgerEntry) => table.get(entry.id ?? "") ?? 0;
  const writes = entries.filter(isWrite);
  return {
    detectMs: outages.flatMap((outage) => detectionMs(outage, { changes, starved })),
    recoverMs: outages.flatMap((outage) => recoveryMs(outage, { entries, starved })),
    peerMs: outages.flatMap(({ peerMs = [] }) => peerMs),
    held: entries.filter((entry) => entry.kind !== "other" && isSuccess(entry) && tookMs(entry) > HELD_AFTER_MS),
    failed: entries.filter(isFailure),
    lost: writes.filter((entry) => isAcknowledged(entry) && written(entry) === 0),
    doubled: writes.filter((entry) => written(entry) > 1),
    unknown: entries.filter((entry) => isFailure(entry) && entry.outcome === "unknown"),
    denied: writes.filter((entry) => isDenial(entry) && written(entry) > 0),
  };
}

function isAcknowledged(entry: LedgerEntry): boolean {
  return isSuccess(entry) || entry.outcome === "committed";
}

function isDenial({ outcome }: LedgerEntry): boolean {
  return outcome === "not-executed" || outcome === "rolled-back";
}

function detectionMs(outage: Outage, { changes, starved }: Omit<Watched, "outages">): number[] {
  const { breakingAt, closedAt = breakingAt, noticedAt, healedAt = Number.POSITIVE_INFINITY } = outage;
  const troubleAt = changes.find(({ at, status }) => at >= breakingAt && status !== "ok")?.at;
  const knownAt = noticedAt ?? troubleAt;
  // Another session than those of deby is watched: it may be closed a little later than theirs.
  return knownAt === undefined || knownAt > healedAt ? [] : [lastedMs(closedAt, knownAt, starved)];
}

interface Recovered {
  readonly entries: readonly LedgerEntry[];
  readonly starved: readonly Starvation[];
}

function recoveryMs({ totalUntil, healedAt }: Outage, { entries, starved }: Recovered): number[] {
  if (totalUntil === undefined || healedAt === undefined) return [];
  const answers = entries
    .filter((entry) => entry.kind !== "other" && isSuccess(entry))
    .filter(({ endedAt = 0 }) => endedAt >= totalUntil)
    // What the server was made to sleep for it is no part of the outage.
    .map(({ endedAt = 0, workMs }) => endedAt - workMs);
  const first = Math.min(...answers);
  // Whoever looks from outside may learn a little later that the server is back.
  return Number.isFinite(first) ? [lastedMs(healedAt, first, starved)] : [];
}

function lastedMs(from: number, to: number, starved: readonly Starvation[]): number {
  return Math.max(0, to - from - starvedMs(starved, from, to));
}

export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

const COLUMNS = ["detect", "recover", "held", "failed", "lost", "doubled", "unknown"] as const;
const NAME_WIDTH = 62;

export const FIGURES_HEAD = [
  "fault".padEnd(NAME_WIDTH),
  ...COLUMNS.map((column) => column.padStart(widthOf(column))),
].join("  ");

/** The line of a fault below `FIGURES_HEAD`; of several outages the median and the worst are told, in milliseconds. */
export function figuresLine(name: string, figures: Figures): string {
  const { held, failed, lost, doubled, unknown } = figures;
  const counts = [held, failed, lost, doubled, unknown].map((entries) => String(entries.length));
  const cells = [inMs(figures.detectMs), inMs(figures.recoverMs), ...counts];
  return [name.padEnd(NAME_WIDTH), ...cells.map((cell, index) => cell.padStart(widthOf(COLUMNS[index] ?? "")))].join(
    "  ",
  );
}

function widthOf(column: string): number {
  return Math.max(column.length, column === "detect" || column === "recover" ? 11 : 0);
}

function inMs(values: readonly number[]): string {
  const middle = median(values);
  if (middle === undefined) return "-";
  if (values.length === 1) return `${middle.toFixed(0)} ms`;
  return `${middle.toFixed(0)}/${Math.max(...values).toFixed(0)} ms`;
}
