import { judgeSeries, type SeriesRun } from "../outage/series.ts";
import { summarize } from "../outage/summary.ts";

/** The report as `--json` and `--report json=FILE` give it: one run's alone, or that of a series. */
export function renderOutageJson(runs: readonly SeriesRun[], { isSeries }: { readonly isSeries: boolean }): string {
  const reports = runs.flatMap((run) => (run.kind === "judged" ? [run.result.report] : []));
  const [only] = reports;
  return `${JSON.stringify(!isSeries && only !== undefined ? only : seriesReport(runs, reports), undefined, 2)}\n`;
}

function seriesReport(runs: readonly SeriesRun[], reports: readonly unknown[]) {
  return {
    schema: "deby.outage-series/1",
    verdict: judgeSeries(runs),
    summary: summarize(runs).map((row) => ({ ...row, reason: row.reason ?? null })),
    runs: reports,
  };
}
