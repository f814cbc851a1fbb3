import { classify, type LedgerEntry, type RequestClass, type RequestKind } from "./ledger.ts";

/** A stretch of the run, in milliseconds from its start. */
export interface Span {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

interface PhaseSpan extends Span {
  readonly name: "warm-up" | "outage" | "recovery" | "settled";
}

/** A stretch in which the server's health told the same state all the time. */
export interface StateSpan extends Span {
  readonly isWell: boolean;
}

/** The worst that happened in a cell; `none` if nothing began in it, `cut` if it was cut off with the run. */
export type CellState = RequestClass | "none" | "cut";

/** What was seen of an observed thing in a cell; `mixed` if it was both, `none` if nobody looked. */
export type WatchState = "yes" | "no" | "mixed" | "none";

/** The run cut into equal cells, for drawing. */
export interface Timeline {
  readonly cellMs: number;
  readonly cells: number;
  readonly phases: readonly PhaseSpan[];
  /** What the server said of its circuit. */
  readonly states: readonly StateSpan[];
  readonly health: readonly WatchState[];
  readonly writes: readonly CellState[];
  readonly reads: readonly CellState[];
}

/** One look at something that is either well or not. */
export interface Sighting {
  readonly at: number;
  readonly isWell: boolean;
  /** The state's name in the server's words, or what came instead of one. */
  readonly state: string;
}

export interface TimelineInput {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly injectedAt: number | undefined;
  readonly healedAt: number | undefined;
  readonly recoveredAt: number | undefined;
  readonly health: readonly Sighting[];
  readonly entries: readonly LedgerEntry[];
  readonly requestTimeoutMs: number;
}

/** Cells of the smallest of these sizes that keeps the run within MAX_CELLS; a longer run has more cells. */
const CELL_SIZES_MS = [50, 100, 200, 250, 500, 1_000];
const MAX_CELLS = 80;

/** From harmless to worst: a cell shows the worst of its requests. */
const SEVERITY: readonly CellState[] = ["none", "ok", "held", "cut", "failedFast", "timedOut", "hung"];

/** Cuts a run into cells by when its requests were meant to start and its health was seen. */
export function cutTimeline(input: TimelineInput): Timeline {
  const durationMs = Math.max(1, input.endedAt - input.startedAt);
  const cellMs = CELL_SIZES_MS.find((size) => durationMs / size <= MAX_CELLS) ?? 1_000;
  const cells = Math.ceil(durationMs / cellMs);
  const cellOf = (at: number) => Math.floor((at - input.startedAt) / cellMs);
  return {
    cellMs,
    cells,
    phases: phaseSpans(input),
    states: stateSpans(input),
    health: cutSightings(input.health, cells, cellOf),
    writes: cutRequests(input, "write", cells, cellOf),
    reads: cutRequests(input, "read", cells, cellOf),
  };
}

function phaseSpans({ startedAt, endedAt, injectedAt, healedAt, recoveredAt }: TimelineInput): PhaseSpan[] {
  const starts: readonly (readonly [PhaseSpan["name"], number | undefined])[] = [
    ["warm-up", startedAt],
    ["outage", injectedAt],
    ["recovery", healedAt],
    ["settled", recoveredAt],
  ];
  const known = starts.filter((start): start is readonly [PhaseSpan["name"], number] => start[1] !== undefined);
  const spans = known.map(([name, from], index) => ({
    name,
    fromMs: Math.max(0, from - startedAt),
    toMs: (known[index + 1]?.[1] ?? endedAt) - startedAt,
  }));
  // Where the harm is done before the load begins, there is no warm-up.
  return spans.filter(({ toMs }) => toMs > 0);
}

function stateSpans({ startedAt, endedAt, health }: TimelineInput): StateSpan[] {
  const seen = health.filter(({ at }) => at <= endedAt);
  const changes = seen.filter(({ state }, index) => state !== seen[index - 1]?.state);
  return changes.map(({ at, state, isWell }, index) => ({
    name: state,
    isWell,
    fromMs: Math.max(0, at - startedAt),
    toMs: (changes[index + 1]?.at ?? endedAt) - startedAt,
  }));
}

function cutSightings(sightings: readonly Sighting[], cells: number, cellOf: (at: number) => number): WatchState[] {
  const states = new Array<WatchState>(cells).fill("none");
  for (const { at, isWell } of sightings) {
    const cell = cellOf(at);
    const before = states[cell];
    if (before === undefined) continue;
    const now = isWell ? "yes" : "no";
    states[cell] = before === "none" || before === now ? now : "mixed";
  }
  return states;
}

function cutRequests(
  { entries, requestTimeoutMs }: TimelineInput,
  kind: RequestKind,
  cells: number,
  cellOf: (at: number) => number,
): CellState[] {
  const states = new Array<CellState>(cells).fill("none");
  for (const entry of entries) {
    if (entry.kind !== kind) continue;
    const cell = cellOf(entry.intendedAt);
    const before = states[cell];
    if (before === undefined) continue;
    const now = classify(entry, requestTimeoutMs) ?? "cut";
    if (SEVERITY.indexOf(now) > SEVERITY.indexOf(before)) states[cell] = now;
  }
  return states;
}
