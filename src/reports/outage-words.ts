import type { DrawnClass } from "../outage/chart.ts";
import type { OutageReport } from "../outage/report-model.ts";
import type { SeriesVerdict } from "../outage/series.ts";
import type { SloResult } from "../outage/slo.ts";

/** The figures in the order in which they are told, with what each measures. */
export const FIGURE_MEANINGS = [
  ["ttd", "ttdMs", "fault confirmed until /api/health was not ok"],
  ["dbReady", "dbReadyMs", "healing begun until an independent probe got an answer"],
  ["ttr", "ttrMs", "healing begun until the first of 5 successful writes in a row"],
  ["appLag", "appLagMs", "ttr less dbReady: the server's own part"],
] as const;

export const VERDICTS: Readonly<Record<SeriesVerdict, string>> = {
  kept: "KEPT: the server did what it promises",
  broken: "BROKEN: the server did not do what it promises",
  interrupted: "INTERRUPTED: nothing is proven",
  incomplete: "INCOMPLETE: not everything could be run",
};

/** Symbol and word, so that colour is never the only sign. */
export const VERDICT_MARKS: Readonly<Record<SeriesVerdict | "refused", string>> = {
  kept: "✓ kept",
  broken: "✗ BROKEN",
  interrupted: "- open",
  incomplete: "? not run",
  refused: "- refused",
};

/** From harmless to worst. */
export const CLASS_WORDS: readonly (readonly [DrawnClass, string])[] = [
  ["ok", "ok"],
  ["held", "held over 1 s"],
  ["cut", "cut off"],
  ["failedFast", "failed fast"],
  ["timedOut", "timed out"],
  ["hung", "hung"],
];

export function formatMs(ms: number | null): string {
  if (ms === null) return "-";
  return Math.abs(ms) >= 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}

/** Rounded down, so that 100 % means every single one. */
export function formatShare(share: number | null): string {
  return share === null ? "-" : `${(Math.floor(share * 10_000) / 100).toFixed(share === 1 ? 0 : 2)} %`;
}

export function formatCount(count: number | null): string {
  return count === null ? "not known" : String(count);
}

/** Percentiles with a tenth of a millisecond. */
export function formatLatency(ms: number | null): string {
  return ms === null ? "-" : ms.toFixed(1);
}

export function sloValue({ expression, value }: SloResult): string {
  const isDuration = /\d(ms|s|m|h)$/.test(expression);
  return value === null ? "never measured" : isDuration ? formatMs(value) : String(value);
}

/** An objective that an interrupted run never came to is open, not broken. */
export function sloMark({ value, kept }: SloResult, { verdict }: Pick<OutageReport, "verdict">): string {
  return VERDICT_MARKS[value === null && verdict === "interrupted" ? "interrupted" : kept ? "kept" : "broken"];
}

/** Answers by how often they were given. */
export function sortedAnswers({ requests }: OutageReport): [label: string, count: number][] {
  return Object.entries(requests.byCode).sort(([, a], [, b]) => b - a);
}

/** How many requests fared how, in words. */
export function classCounts({ requests }: OutageReport): [count: number, words: string][] {
  return CLASS_WORDS.flatMap(([name, words]) => (name === "cut" ? [] : [[requests[name], words]]));
}
