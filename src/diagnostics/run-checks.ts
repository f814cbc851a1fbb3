import type { Clock } from "../core/clock.ts";
import { within } from "../core/within.ts";
import { codeOf } from "../database/sqlstate.ts";
import type { Check, CheckContext, CheckResult, Finding } from "./check.ts";

export interface RunOptions {
  readonly clock: Clock;
  /** Longest time for one check, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The moment by which all of them have to be done, on the clock's scale; default: none. */
  readonly untilAt?: number;
  /** Told before a check begins. */
  readonly onStart?: (check: Check) => void;
  /** Told what became of a check, also where it was skipped. */
  readonly onResult?: (result: CheckResult) => void;
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
  const add = (result: CheckResult) => {
    results.push(result);
    options.onResult?.(result);
  };
  for (const check of checks) {
    const obstacle = check.needs.map((id) => obstacles.get(id)).find((result) => result !== undefined);
    if (obstacle !== undefined) {
      obstacles.set(check.id, obstacle);
      add(skipped(check, obstacle));
      continue;
    }
    options.onStart?.(check);
    const { result, isPassable } = await runOne(check, context, options);
    if (!isPassable) obstacles.set(check.id, result);
    add(result);
  }
  return results;
}

async function runOne(
  check: Check,
  context: Pick<CheckContext, "subject" | "session">,
  { clock, timeoutMs, untilAt = Number.POSITIVE_INFINITY, signal }: RunOptions,
): Promise<{ readonly result: CheckResult; readonly isPassable: boolean }> {
  const startedAt = clock.now();
  const deadlineAt = Math.min(startedAt + timeoutMs, untilAt);
  const { cause, fix, docs, isPassable, ...finding } = await within<Finding>(
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
  const result = {
    id: check.id,
    title: check.title,
    ...finding,
    cause: cause ?? null,
    fix: fix ?? [],
    docs: docs ?? null,
    ms: Math.round((clock.now() - startedAt) * 10) / 10,
  };
  return { result, isPassable: isPassable ?? !["fail", "unknown"].includes(result.status) };
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
