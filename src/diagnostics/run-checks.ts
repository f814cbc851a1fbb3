import type { Clock } from "../core/clock.ts";
import { within } from "../core/within.ts";
import { codeOf } from "../database/sqlstate.ts";
import type { Check, CheckContext, CheckResult, Finding } from "./check.ts";

export interface RunOptions {
  readonly clock: Clock;
  /** Longest time for one check, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told before a check begins. */
  readonly onStart?: (check: Check, index: number) => void;
}

/** A check has its own, better words for its deadline; this much later the runner no longer waits for them. */
const GRACE_MS = 500;

/**
 * Runs the checks in order, each with a deadline of its own. One that needs a check which did not get through is
 * skipped, with the first cause named. A check that throws or overruns its deadline is `unknown`.
 * Throws an error with `code` ABORT_ERR when the signal fires.
 */
export async function runChecks(
  checks: readonly Check[],
  context: Pick<CheckContext, "subject" | "session">,
  options: RunOptions,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const obstacles = new Map<string, CheckResult>();
  for (const [index, check] of checks.entries()) {
    const obstacle = check.needs.map((id) => obstacles.get(id)).find((result) => result !== undefined);
    if (obstacle !== undefined) {
      obstacles.set(check.id, obstacle);
      results.push(skipped(check, obstacle));
      continue;
    }
    options.onStart?.(check, index);
    const result = await runOne(check, context, options);
    if (result.status === "fail" || result.status === "unknown") obstacles.set(check.id, result);
    results.push(result);
  }
  return results;
}

async function runOne(
  check: Check,
  context: Pick<CheckContext, "subject" | "session">,
  { clock, timeoutMs, signal }: RunOptions,
): Promise<CheckResult> {
  const startedAt = clock.now();
  const deadlineAt = startedAt + timeoutMs;
  const { cause, fix, docs, ...finding } = await within<Finding>(
    { clock, deadlineAt: deadlineAt + GRACE_MS, signal },
    (resolve, reject) => {
      // In a promise chain, so that a check that throws before its first await is caught too.
      Promise.resolve()
        .then(() => check.run({ ...context, clock, deadlineAt, signal }))
        .then(resolve, reject);
    },
  ).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undecided(error, timeoutMs);
  });
  return {
    id: check.id,
    title: check.title,
    ...finding,
    cause: cause ?? null,
    fix: fix ?? [],
    docs: docs ?? null,
    ms: Math.round((clock.now() - startedAt) * 10) / 10,
  };
}

function undecided(error: unknown, timeoutMs: number): Finding {
  const isLate = codeOf(error) === "ETIMEDOUT";
  const words = isLate ? `No result within ${timeoutMs} ms` : (error as Error).message || String(error);
  return { status: "unknown", evidence: words, cause: `This could not be found out: ${words}` };
}

function skipped(check: Check, obstacle: CheckResult): CheckResult {
  const why = obstacle.status === "fail" ? "failed" : "could not be decided";
  return {
    id: check.id,
    title: check.title,
    status: "skip",
    evidence: `not tried, since ${obstacle.id} ${why}`,
    cause: null,
    fix: [],
    docs: null,
    ms: 0,
  };
}
