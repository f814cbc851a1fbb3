import type { Log } from "../core/log.ts";
import { DebyError } from "../errors.ts";
import { HealFailed } from "../outage/experiment.ts";
import type { OutageRun } from "../outage/run-outage.ts";
import type { SeriesEnd } from "../outage/run-series.ts";
import { judgeSeries, type SeriesRun } from "../outage/series.ts";
import { formatMs } from "../reports/outage-words.ts";

/** Exit codes of this command besides those of errors. */
export const EXIT = { kept: 0, broken: 1, cannotRun: 3, cleanUpFailed: 4, interrupted: 130 } as const;

/** One line for each run of several. */
export function tellRun(run: SeriesRun, log: Log): void {
  if (run.kind !== "judged") {
    log.warn("outage.run-end", `${run.scenario} was not run: ${run.reason}`);
    return;
  }
  const { verdict, figures, slos } = run.result.report;
  const broken = slos.filter(({ kept }) => !kept).map(({ expression }) => expression);
  if (verdict === "kept") log.success("outage.run-end", `${run.scenario} kept: appLag ${formatMs(figures.appLagMs)}`);
  else log.warn("outage.run-end", `${run.scenario} ${verdict}: ${broken.join(", ")}`);
}

/** The exit code of several runs: what could not be run counts only where nothing was broken. */
export function concludeSeries({ reports, runs }: SeriesEnd, log: Log): number {
  const told = runs.map((run) => ({ ...run, failure: run.failure instanceof HealFailed ? run.failure : undefined }));
  const exitCode = concludeRuns(told, log);
  if (exitCode === EXIT.cleanUpFailed || told.some(({ isInterrupted }) => isInterrupted)) return exitCode;
  const verdict = judgeSeries(reports);
  return verdict === "incomplete" ? EXIT.cannotRun : verdict === "kept" ? EXIT.kept : EXIT.broken;
}

/**
 * Tells what went wrong and returns the exit code; what was left behind outweighs all else.
 * @throws DebyError for the first run that could not be seen to its end
 */
export function concludeRuns(runs: readonly OutageRun[], log: Log): number {
  for (const { result, failure, serverLog } of runs) {
    if (failure === undefined && result?.report.verdict !== "broken") continue;
    if (serverLog !== "") log.info("outage.server-log", `The end of the server's log:\n${serverLog}`);
  }
  const leftBehind = runs.flatMap(({ cleanUpFailures }) => cleanUpFailures);
  for (const { what, reason } of leftBehind) {
    log.error("outage.left-behind", `Could not remove ${what}: ${reason}`, { what, reason });
  }
  const failures = runs.map(({ failure }) => failure).filter((failure) => failure !== undefined);
  const unhealed = failures.find((failure) => failure instanceof HealFailed);
  if (unhealed !== undefined) log.error("outage.heal-failed", unhealed.message);
  if (leftBehind.length > 0 || unhealed !== undefined) {
    const isNoted = leftBehind.length > 0;
    if (isNoted) log.error("outage.repair", "How to undo it is noted: deby simulate-outage heal tries again");
    else log.info("outage.repair", "Nothing is left of it: the clean-up has healed or removed what was broken");
    return EXIT.cleanUpFailed;
  }
  const [failure] = failures;
  if (failure instanceof DebyError) throw failure;
  if (failure !== undefined) {
    const message = failure instanceof Error ? failure.message : String(failure);
    throw new DebyError("CANNOT_RUN", `The run failed: ${message}`, { cause: failure });
  }
  if (runs.some(({ result, isInterrupted }) => isInterrupted || result === undefined)) return EXIT.interrupted;
  return runs.every(({ result }) => result?.report.verdict === "kept") ? EXIT.kept : EXIT.broken;
}
