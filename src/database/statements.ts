import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import { acquire, codeForObserver, endOfLease, type LeaseDeps, noteReadOnly, pauseBefore, release } from "./lease.ts";
import { finalError, leaseError, mayRepeat, needsBudget, type StatementKind, standaloneError } from "./retry.ts";
import { leavesTraces } from "./session-traces.ts";

interface StatementText {
  readonly strings: TemplateStringsArray;
  readonly values: readonly unknown[];
}

/**
 * Runs one statement on a connection of its own; reads are repeated after a lost connection. One function for the whole
 * way, since every promise and closure more on it is felt.
 */
export async function runStatement<R>(
  deps: LeaseDeps,
  kind: StatementKind,
  { strings, values }: StatementText,
  getDeadline: (now: number) => Deadline,
): Promise<R[]> {
  const { clock, observer, budget, pool } = deps;
  const operation = kind === "read" ? "read" : "query";
  const startedAt = clock.now();
  if (kind === "read") budget.deposit();
  try {
    const deadline = getDeadline(startedAt);
    for (let repeats = 0; ; repeats += 1) {
      const askedAt = repeats === 0 ? startedAt : clock.now();
      const leased = acquire(deps, kind, deadline, askedAt);
      const connection = leased instanceof Promise ? await leased : leased;
      observer.leaseAcquired(Math.max(0, connection.leasedAt - askedAt));
      connection.holder = strings;
      const endsAt = endOfLease(deps, connection, deadline);
      let failure: unknown;
      try {
        const { rows, command } = await connection.run<R>(strings, values, endsAt);
        if (leavesTraces(command, strings[0] ?? "")) pool.evict(connection);
        if (connection.isInTransaction) throw openTransactionError(command);
        observer.operationEnded(operation, connection.lastAnswerAt - startedAt, undefined);
        return rows;
      } catch (error) {
        const ended = endsAt < deadline.at ? leaseError(error, deps.leaseLimitMs) : error;
        failure = standaloneError(ended, strings[0] ?? "");
      } finally {
        release(deps, connection);
      }
      if (!(await canRepeat(deps, failure, { kind, repeats, deadline }))) throw finalError(failure, kind);
      deps.onRepeat();
    }
  } catch (error) {
    observer.operationEnded(operation, clock.now() - startedAt, codeForObserver(error));
    throw error;
  }
}

interface Circumstances {
  readonly kind: StatementKind;
  readonly repeats: number;
  readonly deadline: Deadline;
}

/** Whether the statement goes round once more; has waited by then for as long as that needs. */
async function canRepeat(deps: LeaseDeps, failure: unknown, { kind, repeats, deadline }: Circumstances) {
  noteReadOnly(deps, failure);
  if (isRefusedWrite(failure, kind) && repeats === 0) return deps.gate.isAwayAfterVerdict(deadline);
  if (!mayRepeat(failure, kind, repeats)) return false;
  if (needsBudget(failure) && !deps.budget.tryWithdraw()) return false;
  await pauseBefore(deps, failure, repeats + 1);
  return true;
}

/** A server that takes no writes has done nothing: the write may wait for one that does. */
function isRefusedWrite(error: unknown, kind: StatementKind): boolean {
  return kind === "write" && error instanceof DebyError && error.reason === "25006" && error.outcome === "rolled-back";
}

/** The pool evicts a connection that comes back in a transaction, which undoes it. */
function openTransactionError(command: string): DebyError {
  return new DebyError("STATEMENT_FAILED", `Use transaction(), not a ${command} statement`, { outcome: "rolled-back" });
}
