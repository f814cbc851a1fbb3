import { type Clock, sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import type { Random } from "../core/random.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import { DebyError, type ErrorCode } from "../errors.ts";
import type { DatabaseObserver } from "./events.ts";
import type { Gate } from "./gate.ts";
import type { Pool } from "./pool.ts";
import type { LeasedConnection } from "./pool-types.ts";
import type { StatementKind } from "./retry.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** What statements and transactions need to get a connection and to give it back. */
export interface LeaseDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly sweep: DeadlineSweep;
  readonly pool: Pool<LeasedConnection>;
  readonly gate: Gate;
  readonly budget: RetryBudget;
  readonly observer: DatabaseObserver;
  /** How long one holder may keep a connection, in milliseconds; Infinity for ever. */
  readonly leaseLimitMs: number;
  /** Aborted once the pool is closed, and what was held at the end of its grace is lost. */
  readonly closed: AbortSignal;
  /** The server should be one that takes writes. */
  readonly expectsWrites: boolean;
  /** A server has refused to write: somebody else finds out who takes writes. */
  readonly onReadOnly: (error: DebyError) => void;
  /** Something is run again. */
  readonly onRepeat: () => void;
}

/** Pause before something is run again after a collision, in milliseconds, times the number of the repetition. */
const CONFLICT_PAUSE_MS = 20;
/** How often something is tried again that a server refuses to write which, as it says itself, takes writes. */
const MAX_REFUSALS = 3;
const TAKES_NO_WRITES = `select pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool as "isReadOnly"`;

/**
 * A connection for exclusive use; the caller gives it back. Throws what gate and pool throw.
 * The server may have turned out to take no writes while somebody waited for it in the pool's queue.
 */
export async function acquire(deps: LeaseDeps, kind: StatementKind, deadline: Deadline): Promise<LeasedConnection> {
  const { clock, gate, pool, observer } = deps;
  const askedAt = clock.now();
  for (;;) {
    await gate.admit(kind, deadline);
    const connection = pool.tryAcquire(clock.now()) ?? (await wait(deps, deadline));
    observer.leaseAcquired(Math.max(0, connection.leasedAt - askedAt));
    if (kind === "read" || !gate.isReadOnly) return connection;
    release(deps, connection);
  }
}

function wait({ clock, gate, pool }: LeaseDeps, deadline: Deadline): Promise<LeasedConnection> {
  gate.enterQueue();
  return pool.acquire(deadline, clock.now());
}

/** Gives a connection back. */
export function release({ pool, observer }: LeaseDeps, connection: LeasedConnection): void {
  observer.leaseReleased(Math.max(0, connection.lastAnswerAt - connection.leasedAt));
  pool.release(connection);
}

/** The moment by which the holder of this connection must be done with it, on the clock's scale. */
export function endOfLease({ leaseLimitMs }: LeaseDeps, { leasedAt }: LeasedConnection, deadline: Deadline): number {
  return Math.min(deadline.at, leasedAt + leaseLimitMs);
}

/**
 * Whether it is the server that takes no writes, and not the transaction by its own wish. The connection is asked, which
 * must be in no transaction.
 */
export async function takesNoWrites(connection: LeasedConnection, deadlineAt: number): Promise<boolean> {
  if (connection.isLost || connection.isBusy || connection.isInTransaction) return true;
  try {
    const { rows } = await connection.control<{ isReadOnly: boolean }>(TAKES_NO_WRITES, deadlineAt);
    return rows[0]?.isReadOnly ?? true;
  } catch {
    return true;
  }
}

/** What may be run again, after so many repeats. */
export interface Repetition {
  readonly kind: StatementKind;
  readonly repeats: number;
  readonly deadline: Deadline;
}

/**
 * After a server has refused to write: has it found out who takes writes. Whether another try may meet one that does, or
 * wait for it, and nothing remains of this one.
 */
export async function mayTryElsewhere(
  { gate, expectsWrites, onReadOnly }: LeaseDeps,
  error: DebyError,
  { kind, repeats, deadline }: Repetition,
): Promise<boolean> {
  if (!expectsWrites) return false;
  if (!gate.isReadOnly) onReadOnly(error);
  if (error.outcome !== "rolled-back") return false;
  const isAway = await gate.isAwayAfterVerdict(deadline);
  return isAway ? kind === "write" : repeats < MAX_REFUSALS;
}

/**
 * Before something is run again: lets the other side of a collision go first. After a lost connection it waits for the
 * verdict, since the others may be about to die, and whoever took the next one would only lose that, too.
 */
export async function pauseBefore(
  { clock, random, gate }: LeaseDeps,
  error: unknown,
  { repetition, deadline }: { readonly repetition: number; readonly deadline: Deadline },
): Promise<void> {
  if (!(error instanceof DebyError)) return;
  if (error.code === "SERIALIZATION_FAILURE") await sleep(clock, CONFLICT_PAUSE_MS * repetition * random());
  if (error.isLostConnection) await gate.verdict(deadline);
}

/** What the observer is told of an error. */
export function codeForObserver(error: unknown): ErrorCode {
  return error instanceof DebyError ? error.code : "INTERNAL_ERROR";
}
