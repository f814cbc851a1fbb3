import { percentile } from "./latency.ts";
import type { OutageReport } from "./report-model.ts";
import { judgeSeries, type SeriesRun, type SeriesVerdict } from "./series.ts";

/** All runs of one scenario in one line. */
export interface ScenarioSummary {
  readonly scenario: string;
  /** `refused`: the target cannot do it. */
  readonly verdict: SeriesVerdict | "refused";
  /** Runs that were judged. */
  readonly runs: number;
  /** Medians in milliseconds; null where no run measured them. */
  readonly ttdMs: number | null;
  readonly dbReadyMs: number | null;
  readonly ttrMs: number | null;
  readonly appLagMs: number | null;
  /** The slowest run's; null where one did not come back. */
  readonly worstAppLagMs: number | null;
  /** The worst run's. */
  readonly availability: number | null;
  /** Sums; null where one of them is not known. */
  readonly lost: number | null;
  readonly duplicated: number | null;
  readonly unknown: number;
  readonly hung: number;
  /** Why runs are missing; undefined if none is. */
  readonly reason: string | undefined;
}

/** Sums up the runs of each scenario, in the order in which the scenarios first ran. */
export function summarize(runs: readonly SeriesRun[]): ScenarioSummary[] {
  const names = [...new Set(runs.map(({ scenario }) => scenario))];
  return names.map((name) => summarizeScenario(runs.filter(({ scenario }) => scenario === name)));
}

function summarizeScenario(runs: readonly SeriesRun[]): ScenarioSummary {
  const reports = runs.flatMap((run) => (run.kind === "judged" ? [run.result.report] : []));
  const lags = reports.map(({ figures }) => figures.appLagMs);
  const shares = reports.map(({ availability }) => availability).filter((share) => share !== null);
  return {
    scenario: runs[0]?.scenario ?? "",
    verdict: runs.every(({ kind }) => kind === "refused") ? "refused" : judgeSeries(runs),
    runs: reports.length,
    ttdMs: median(reports, "ttdMs"),
    dbReadyMs: median(reports, "dbReadyMs"),
    ttrMs: median(reports, "ttrMs"),
    appLagMs: median(reports, "appLagMs"),
    worstAppLagMs: lags.length === 0 || lags.includes(null) ? null : Math.max(...lags.map(Number)),
    availability: shares.length === 0 ? null : Math.min(...shares),
    lost: sum(reports.map(({ writes }) => writes.lost)),
    duplicated: sum(reports.map(({ writes }) => writes.duplicated)),
    unknown: reports.reduce((total, { writes }) => total + writes.unknown, 0),
    hung: reports.reduce((total, { requests }) => total + requests.hung, 0),
    reason: runs.flatMap((run) => (run.kind === "judged" ? [] : [run.reason]))[0],
  };
}

function median(reports: readonly OutageReport[], figure: keyof OutageReport["figures"]): number | null {
  const values = reports.map(({ figures }) => figures[figure]).filter((value) => value !== null);
  return percentile(
    values.sort((a, b) => a - b),
    0.5,
  );
}

function sum(counts: readonly (number | null)[]): number | null {
  return counts.length === 0 || counts.includes(null)
    ? null
    : counts.reduce<number>((total, count) => total + Number(count), 0);
}
