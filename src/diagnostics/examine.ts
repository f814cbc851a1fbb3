import type { CheckResult, Subject } from "./check.ts";
import { type CheckReport, makeReport, type TableFact } from "./report-model.ts";
import { type RunOptions, runChecks } from "./run-checks.ts";
import type { Selection } from "./select-checks.ts";
import { Session } from "./session.ts";

export interface ExamineOptions extends Omit<RunOptions, "onResult"> {
  readonly selection: Selection;
  /** Told of every result that will be in the report, and of the tables as far as they are known. */
  readonly onResult?: ((result: CheckResult, tables: readonly TableFact[]) => void) | undefined;
  /** Looks at what was found while the connections are still open. */
  readonly review?:
    | ((session: Session, results: readonly CheckResult[]) => Promise<readonly CheckResult[]>)
    | undefined;
}

/**
 * Runs the selected checks over connections of their own and returns the report.
 * Throws an error with `code` ABORT_ERR when the signal fires.
 */
export async function examine(subject: Subject, options: ExamineOptions): Promise<CheckReport> {
  const { selection, onResult, review, ...runOptions } = options;
  await using session = new Session(options.clock);
  const results = await runChecks(
    selection.checks,
    { subject, session },
    {
      ...runOptions,
      onResult: (result) => {
        if (selection.isReported(result)) onResult?.(result, session.tables);
      },
    },
  );
  const reviewed = review === undefined ? results : await review(session, results);
  return makeReport(
    subject,
    reviewed.filter((result) => selection.isReported(result)),
    session.tables,
  );
}
