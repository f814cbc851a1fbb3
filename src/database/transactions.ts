import type { Deadline } from "../core/deadline.ts";
import type { DebyError } from "../errors.ts";
import {
  acquire,
  codeForObserver,
  endOfLease,
  type LeaseDeps,
  mayTryElsewhere,
  pauseBefore,
  release,
  takesNoWrites,
} from "./lease.ts";
import type { LeasedConnection } from "./pool-types.ts";
import { isRefusedWrite, leaseError, mayRepeat, mayRunAgain } from "./retry.ts";
import type { Transaction, TransactionOptions } from "./statement.ts";
import { TransactionAttempt } from "./transaction-attempt.ts";

/** Runs a function between BEGIN and COMMIT on an exclusive connection. */
export async function runTransaction<T>(
  deps: LeaseDeps,
  work: (tx: Transaction) => Promise<T>,
  getDeadline: (now: number) => Deadline,
  options: OwnOptions,
): Promise<T> {
  const { clock, observer } = deps;
  const startedAt = clock.now();
  // Made here, where the caller's frame is still on the stack; read only if the lease lasts too long.
  const holder = new Error("taken here");
  try {
    const result = await runAttempts(deps, work, { ...options, deadline: getDeadline(startedAt), holder });
    observer.operationEnded("transaction", clock.now() - startedAt, undefined);
    return result;
  } catch (error) {
    observer.operationEnded("transaction", clock.now() - startedAt, codeForObserver(error));
    throw error;
  }
}

/** What only our own transactions say of themselves. */
interface OwnOptions extends TransactionOptions {
  /** What it begins with. Default: `begin`, and so the database's defaults. */
  readonly begin?: string;
}

interface Circumstances extends OwnOptions {
  readonly deadline: Deadline;
  readonly holder: Error;
}

async function runAttempts<T>(
  deps: LeaseDeps,
  work: (tx: Transaction) => Promise<T>,
  { retryable = false, begin, deadline, holder }: Circumstances,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    const connection = await acquire(deps, "write", deadline);
    connection.holder = holder;
    const attempt = new TransactionAttempt(connection, endOfLease(deps, connection, deadline), {
      ...deps,
      ...(begin === undefined ? {} : { begin }),
    });
    let failure: unknown;
    let isRefused = false;
    try {
      return await attempt.run(work);
    } catch (error) {
      // What another lane has met says nothing about this one, be it lost, late or refused.
      if (attempt.isForeignFailure) throw error;
      failure = attempt.endsAt < deadline.at ? leaseError(error, deps.leaseLimitMs) : error;
      isRefused = await wasRefused(attempt, failure, connection);
      if (isRefused) deps.pool.evict(connection);
    } finally {
      if (attempt.leavesTraces) deps.pool.evict(connection);
      release(deps, connection);
    }
    // BEGIN alone has done nothing: whether it arrived or not, it may be sent again.
    const mayRun = retryable || !attempt.hasBegun;
    const mayTry = isRefused
      ? await mayTryElsewhere(deps, failure as DebyError, { kind: "write", repeats, deadline })
      : attempt.hasBegun
        ? mayRunAgain(failure, repeats)
        : mayRepeat(failure, "read", repeats);
    if (!mayRun || !mayTry) throw failure;
    deps.onRepeat();
    await pauseBefore(deps, failure, { repetition: repeats + 1, deadline });
  }
}

/** Whether the server takes no writes at all, be it known from its answer to BEGIN or to a statement of the function. */
async function wasRefused(
  { hasBegun, endsAt }: TransactionAttempt,
  failure: unknown,
  connection: LeasedConnection,
): Promise<boolean> {
  if (!isRefusedWrite(failure)) return false;
  return !hasBegun || (await takesNoWrites(connection, endsAt));
}
