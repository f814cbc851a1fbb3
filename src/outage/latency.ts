import { type LedgerEntry, latencyMs } from "./ledger.ts";

/** Milliseconds; all null where nothing was measured. */
export interface LatencySummary {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Moments of the run's clock that part its requests. Undefined where the run did not get so far. */
export interface LatencyWindows {
  /** When the command that breaks the database was issued. */
  readonly injectedAt: number | undefined;
  /** When the server was back for good. */
  readonly recoveredAt: number | undefined;
}

/**
 * The smallest value that at least `part` of the sorted values do not exceed (nearest rank).
 * @param part in (0, 1]
 */
export function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;
}

export function summarizeLatencies(values: readonly number[]): LatencySummary {
  const sorted = values.map((value) => Math.round(value * 10) / 10).sort((a, b) => a - b);
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? null,
  };
}

/**
 * Latencies by when the request was meant to start. One that hung counts with the time until it was given up, so that
 * no percentile looks better for it.
 */
export function latencyByWindow(entries: readonly LedgerEntry[], windows: LatencyWindows) {
  const { injectedAt = Number.POSITIVE_INFINITY, recoveredAt = Number.POSITIVE_INFINITY } = windows;
  const values = { before: [] as number[], during: [] as number[], after: [] as number[] };
  for (const entry of entries) {
    const tookMs = latencyMs(entry);
    if (tookMs === undefined || entry.ending === "cut") continue;
    const window = entry.intendedAt < injectedAt ? "before" : entry.intendedAt < recoveredAt ? "during" : "after";
    values[window].push(tookMs);
  }
  return {
    before: summarizeLatencies(values.before),
    during: summarizeLatencies(values.during),
    after: summarizeLatencies(values.after),
  };
}
