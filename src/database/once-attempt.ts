import type { Deadline } from "../core/deadline.ts";
import type { Random } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { keyReused, type OnceResult } from "./key-queue.ts";
import { acquire, endOfLease, type LeaseDeps, release } from "./lease.ts";
import { encodeResult } from "./outcome-json.ts";
import {
  BEGIN,
  confirmKey,
  endResting,
  insertKey,
  type ScopedKey,
  storeResult,
  type TransactionMark,
} from "./outcome-table.ts";
import type { LeasedConnection } from "./pool-types.ts";
import { isRefusedWrite, leaseError } from "./retry.ts";
import type { Transaction } from "./statement.ts";
import { TransactionAttempt } from "./transaction-attempt.ts";

/** How much longer than its caller a transaction may rest before the server ends it, in milliseconds. */
const IDLE_GRACE_MS = 5000;
/** While an old transaction may hold the key for ever, it is waited for in steps of this length. */
const KEY_STEP_MS = 500;
/** How many numbers an advisory lock can have. */
const LOCKS = 2 ** 32;
/** Before the deadline, so that the server's answer comes first. */
const ANSWER_MARGIN_MS = 50;

/** What is to happen once. */
export interface OnceCall extends ScopedKey {
  readonly work: (tx: Transaction) => Promise<unknown>;
  readonly fingerprint: string | undefined;
  readonly deadline: Deadline;
  /** Where it was called. */
  readonly holder: Error;
}

/** An earlier attempt whose connection was lost, and whose transaction may still hold the key. */
export interface Predecessors {
  readonly marks: readonly TransactionMark[];
  /** They have been waited for: those that rest in their transactions will never end them. */
  readonly areStuck: boolean;
}

/** How an attempt went that gave no result. */
export interface OnceFailure {
  readonly error: unknown;
  /** The key was ours: nobody has it in another transaction, nor will by an earlier one. */
  readonly hadKey: boolean;
  /** The work threw it, be it of its own or of another lane: it says nothing about this transaction. */
  readonly isOfWork: boolean;
  /** Its connection is gone, so that its transaction may still be there. */
  readonly lost: LostAttempt | undefined;
  /** The transaction of a connection that is gone, be it given up at the deadline, as far as it is known. */
  readonly orphan: TransactionMark | undefined;
}

export interface LostAttempt {
  readonly error: DebyError;
  /** COMMIT was sent and not answered. */
  readonly mayBeCommitted: boolean;
  /** The key was there, by the work of another call, but that was not confirmed. */
  readonly wasThere: boolean;
}

/** `result` is undefined where the key was there and is gone: it was pruned in that moment. */
export type OnceEnd = { readonly result: OnceResult | undefined } | { readonly failure: OnceFailure };

/**
 * One go: takes the key and does the work, or confirms that it is done, in one transaction.
 * Throws only what comes before a connection is had.
 */
export async function attemptOnce(
  deps: LeaseDeps,
  call: OnceCall,
  predecessors: Predecessors | undefined,
): Promise<OnceEnd> {
  const { clock, pool, leaseLimitMs } = deps;
  const { deadline, holder } = call;
  const connection = await acquire(deps, "write", deadline);
  connection.holder = holder;
  const endsAt = endOfLease(deps, connection, deadline);
  const leftMs = deadline.at - clock.now();
  const keyMs = endsAt - clock.now() - ANSWER_MARGIN_MS;
  const limits = {
    idleTimeoutMs: leftMs + IDLE_GRACE_MS,
    lockTimeoutMs: predecessors === undefined ? keyMs : Math.min(KEY_STEP_MS, keyMs),
  };
  const attempt = new TransactionAttempt(connection, endsAt, { ...deps, begin: BEGIN });
  let hadKey = false;
  let wasThere = false;
  let isRefused = false;
  let mark = markOf(connection, deps.random);
  try {
    const result = await attempt.run(async (tx) => {
      if (predecessors?.areStuck) for (const stuck of predecessors.marks) await endResting(tx, stuck);
      connection.markLock = "lock" in mark ? mark.lock : undefined;
      const taken = await insertKey(tx, call, limits, mark);
      if (taken === undefined) {
        const earlier = await replay(tx, call);
        wasThere = earlier !== undefined;
        return earlier;
      }
      hadKey = true;
      mark = taken;
      return await doWork(tx, call);
    });
    return { result };
  } catch (thrown) {
    const isOfWork = hadKey && attempt.isForeignFailure;
    const error = !isOfWork && attempt.endsAt < deadline.at ? leaseError(thrown, leaseLimitMs) : thrown;
    isRefused = !hadKey && isRefusedWrite(error);
    const mayBeCommitted = attempt.isCommitSent && error instanceof DebyError && error.outcome === "unknown";
    const isLost = !isOfWork && error instanceof DebyError && (error.isLostConnection || mayBeCommitted);
    const lost = isLost ? { error, mayBeCommitted: mayBeCommitted && hadKey, wasThere } : undefined;
    return { failure: { error, hadKey, isOfWork, lost, orphan: connection.isLost ? mark : undefined } };
  } finally {
    connection.markLock = undefined;
    if (attempt.leavesTraces || isRefused) pool.evict(connection);
    release(deps, connection);
  }
}

async function doWork(tx: Transaction, call: OnceCall): Promise<OnceResult> {
  const result = encodeResult(await call.work(tx)) ?? null;
  if (result !== null && !(await storeResult(tx, call, result))) {
    throw new DebyError("STATEMENT_FAILED", "The work of once() has undone its own key", { outcome: "rolled-back" });
  }
  return { result, isReplay: false };
}

async function replay(tx: Transaction, call: OnceCall): Promise<OnceResult | undefined> {
  const row = await confirmKey(tx, call);
  if (row === undefined) return undefined;
  if ((row.fingerprint ?? undefined) !== call.fingerprint) throw keyReused(call);
  return { result: row.result, isReplay: true };
}

/** What is known before the transaction tells of itself. A pooler's process would not be the server's. */
function markOf({ backend }: LeasedConnection, random: Random): TransactionMark {
  if (!backend.isDirect) return { lock: Math.floor(random() * LOCKS) | 0 };
  return { pid: backend.pid, backendStart: backend.startedAt, xactStart: undefined };
}
