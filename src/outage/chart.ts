import { summarizeLatencies } from "./latency.ts";
import { classify, latencyMs } from "./ledger.ts";
import type { Observations } from "./observations.ts";
import type { CellState } from "./timeline.ts";

/** A class of requests as it is drawn. */
export type DrawnClass = Exclude<CellState, "none">;

/** The requests that were meant to start in one column of the chart. */
export interface ChartBin {
  readonly counts: Readonly<Record<DrawnClass, number>>;
  /** Milliseconds; null where no request of the column was answered. */
  readonly p50Ms: number | null;
  readonly maxMs: number | null;
}

/** Milliseconds from the load's start; undefined where the run did not get so far. */
interface ChartMarks {
  readonly faultMs: number | undefined;
  readonly healedMs: number | undefined;
  readonly recoveredMs: number | undefined;
}

/** The run as a picture shows it: finer than characters can. */
export interface Chart {
  readonly durationMs: number;
  readonly binMs: number;
  readonly bins: readonly ChartBin[];
  readonly marks: ChartMarks;
}

const BIN_SIZES_MS = [100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
const COARSEST_BIN_MS = 60_000;
const MAX_BINS = 160;

/** Counts and measures the requests by when they were meant to start. */
export function cutChart(observations: Observations, recoveredAt: number | undefined): Chart {
  const { moments, entries, requestTimeoutMs } = observations;
  const { loadAt, endedAt, faultAt, healedAt } = moments;
  const durationMs = Math.max(1, endedAt - loadAt);
  const binMs = BIN_SIZES_MS.find((size) => durationMs / size <= MAX_BINS) ?? COARSEST_BIN_MS;
  const columns = Array.from({ length: Math.ceil(durationMs / binMs) }, () => ({
    counts: { ok: 0, held: 0, cut: 0, failedFast: 0, timedOut: 0, hung: 0 },
    latencies: [] as number[],
  }));
  for (const entry of entries) {
    const column = columns[Math.floor((entry.intendedAt - loadAt) / binMs)];
    if (column === undefined) continue;
    const drawn = classify(entry, requestTimeoutMs) ?? "cut";
    column.counts[drawn] += 1;
    const tookMs = latencyMs(entry);
    if (tookMs !== undefined && drawn !== "cut") column.latencies.push(tookMs);
  }
  const since = (at: number | undefined) => (at === undefined ? undefined : at - loadAt);
  return {
    durationMs,
    binMs,
    bins: columns.map(({ counts, latencies }) => {
      const { p50, max } = summarizeLatencies(latencies);
      return { counts, p50Ms: p50, maxMs: max };
    }),
    marks: { faultMs: since(faultAt), healedMs: since(healedAt), recoveredMs: since(recoveredAt) },
  };
}
