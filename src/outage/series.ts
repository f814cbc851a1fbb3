import type { OutageResult, Verdict } from "./report-model.ts";

/** How one run of a series ended. */
export type SeriesRun =
  | { readonly kind: "judged"; readonly scenario: string; readonly result: OutageResult }
  /** The target or the platform has not the power for the scenario: nothing was done. */
  | { readonly kind: "refused"; readonly scenario: string; readonly reason: string }
  /** It could not be run to its end, or its fault could not be verified. */
  | { readonly kind: "failed"; readonly scenario: string; readonly reason: string };

/** `incomplete`: what could be judged was kept, and something could not be, or nothing. */
export type SeriesVerdict = Verdict | "incomplete";

/** Judges runs together: broken if any is, whatever became of the others. A scenario that was refused counts nothing. */
export function judgeSeries(runs: readonly SeriesRun[]): SeriesVerdict {
  const verdicts = runs.flatMap((run) => (run.kind === "judged" ? [run.result.report.verdict] : []));
  if (verdicts.includes("broken")) return "broken";
  if (verdicts.includes("interrupted")) return "interrupted";
  return verdicts.length === 0 || runs.some(({ kind }) => kind === "failed") ? "incomplete" : "kept";
}
