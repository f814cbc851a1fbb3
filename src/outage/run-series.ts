import { HealFailed } from "./experiment.ts";
import { ImpossibleScenario } from "./impossible-scenario.ts";
import type { OutagePlan, OutageRun } from "./run-outage.ts";
import type { SeriesRun } from "./series.ts";

/** What a series needs of whoever runs it. */
export interface SeriesDeps {
  /** Runs one plan; never rejects. */
  readonly run: (plan: OutagePlan) => Promise<OutageRun>;
  /** A run begins. */
  readonly onStart: (plan: OutagePlan, index: number) => void;
  /** It has ended so. */
  readonly onEnd: (run: SeriesRun) => void;
}

export interface SeriesEnd {
  /** What became of each plan, in order. */
  readonly reports: readonly SeriesRun[];
  /** Every run that was begun. */
  readonly runs: readonly OutageRun[];
}

/**
 * Each scenario as often as is wanted, scenario by scenario. No two runs have the same seed; each report
 * tells its own.
 */
export function planSeries<S>(
  scenarios: readonly S[],
  { repeat, seed }: { readonly repeat: number; readonly seed: number },
): { readonly scenario: S; readonly seed: number }[] {
  return scenarios
    .flatMap((scenario) => Array.from({ length: repeat }, () => scenario))
    .map((scenario, index) => ({ scenario, seed: seed + index }));
}

/**
 * Runs the plans one after the other. One that cannot be run does not keep the others from it; an interruption does,
 * and so does a fault or a thing that is still there: nothing is proven on what an earlier run left behind.
 */
export async function runSeries(plans: readonly OutagePlan[], { run, onStart, onEnd }: SeriesDeps): Promise<SeriesEnd> {
  const reports: SeriesRun[] = [];
  const runs: OutageRun[] = [];
  for (const [index, plan] of plans.entries()) {
    onStart(plan, index);
    const ended = await run(plan);
    const report = reportOf(plan.scenario.name, ended);
    runs.push(ended);
    reports.push(report);
    onEnd(report);
    if (ended.isInterrupted || ended.failure instanceof HealFailed || ended.cleanUpFailures.length > 0) break;
  }
  const left = plans.slice(runs.length).map(({ scenario }): SeriesRun => {
    return { kind: "failed", scenario: scenario.name, reason: "The series ended before it" };
  });
  return { reports: [...reports, ...left], runs };
}

function reportOf(scenario: string, { result, failure, isInterrupted }: OutageRun): SeriesRun {
  if (result !== undefined) return { kind: "judged", scenario, result };
  if (failure === undefined) {
    return { kind: "failed", scenario, reason: isInterrupted ? "The run was interrupted" : "The run had no result" };
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  return { kind: failure instanceof ImpossibleScenario ? "refused" : "failed", scenario, reason };
}
