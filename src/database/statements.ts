import { type Clock, sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import type { Random } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Gate } from "./gate.ts";
import type { Pool } from "./pool.ts";
import { finalError, isLostConnection, mayRepeat, type StatementKind } from "./retry.ts";
import type { Transaction, TransactionOptions } from "./statement.ts";

export interface StatementDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly pool: Pool<Connection>;
  readonly gate: Gate;
  /** A statement met a server that takes no writes, or found its server gone. */
  readonly onTrouble: (error: DebyError) => void;
}

/** Pause before a statement is run again after a collision, in milliseconds, times the number of the repetition. */
const CONFLICT_PAUSE_MS = 20;
const ROLLBACK_LIMIT_MS = 1000;
/** Commands that would outlive the lease: a transaction left open, a setting, a lock, a subscription. */
const LEAVES_TRACES = new Set([
  "SET",
  "RESET",
  "LISTEN",
  "UNLISTEN",
  "PREPARE",
  "DECLARE CURSOR",
  "DISCARD ALL",
  "LOAD",
]);
const OPENS_TRANSACTION = new Set(["BEGIN", "START TRANSACTION"]);

/** Runs one statement on a connection of its own; reads are repeated after a lost connection. */
export async function runStatement<R>(
  deps: StatementDeps,
  kind: StatementKind,
  statement: { readonly strings: TemplateStringsArray; readonly values: readonly unknown[] },
  deadline: Deadline,
): Promise<R[]> {
  for (let repeats = 0; ; repeats += 1) {
    const connection = await acquire(deps, kind, deadline);
    let isSpent = false;
    try {
      const { rows, command } = await connection.run<R>(statement.strings, statement.values, deadline.at);
      isSpent = LEAVES_TRACES.has(command) || OPENS_TRANSACTION.has(command);
      if (OPENS_TRANSACTION.has(command))
        throw new DebyError("STATEMENT_FAILED", `Use transaction(), not a ${command} statement`);
      return rows;
    } catch (error) {
      noteRouting(deps, error);
      if (!mayRepeat(error, kind, repeats)) throw finalError(error, kind);
      await pauseBefore(deps, error, repeats + 1);
    } finally {
      if (isSpent) deps.pool.evict(connection);
      deps.pool.release(connection);
    }
  }
}

/** Runs a function between BEGIN and COMMIT on an exclusive connection. */
export async function runTransaction<T>(
  deps: StatementDeps,
  work: (tx: Transaction) => Promise<T>,
  deadline: Deadline,
  { retryable = false }: TransactionOptions,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    const connection = await acquire(deps, "write", deadline);
    try {
      return await transactOn(connection, work, deadline, deps.clock);
    } catch (error) {
      noteRouting(deps, error);
      if (!mayRunAgain(error, retryable, repeats)) throw error;
      await pauseBefore(deps, error, repeats + 1);
    } finally {
      deps.pool.release(connection);
    }
  }
}

async function transactOn<T>(
  connection: Connection,
  work: (tx: Transaction) => Promise<T>,
  deadline: Deadline,
  clock: Clock,
): Promise<T> {
  let isOver = false;
  const query: Transaction["query"] = async <R>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
    if (isOver)
      throw new DebyError("STATEMENT_FAILED", "The transaction is over; its statements must be awaited inside it");
    const { rows } = await connection.run<R>(strings, values, deadline.at);
    return rows;
  };
  let result: T;
  try {
    await connection.control("begin", deadline.at);
    result = await work({ query });
  } catch (error) {
    // COMMIT was not sent: whatever the transaction did is undone, with the connection if need be.
    isOver = true;
    await rollBack(connection, clock);
    throw undone(error);
  }
  isOver = true;
  let command: string;
  try {
    ({ command } = await connection.control("commit", deadline.at));
  } catch (error) {
    throw finalError(error, "write");
  }
  if (command === "COMMIT") return result;
  const detail = "The server answered COMMIT with ROLLBACK, since a statement of the transaction had failed";
  throw new DebyError("STATEMENT_FAILED", detail, { outcome: "rolled-back" });
}

async function rollBack(connection: Connection, clock: Clock): Promise<void> {
  if (connection.isLost) return;
  // A statement that still runs on it means that somebody did not await it: no polite word can be said there.
  if (connection.isBusy)
    return connection.destroy("DATABASE_UNAVAILABLE", "The transaction was left with a statement on its way");
  await connection.control("rollback", clock.now() + ROLLBACK_LIMIT_MS).catch(() => {});
}

/** An error from inside a transaction that was not committed: nothing of it remains. */
function undone(error: unknown): unknown {
  if (!(error instanceof DebyError) || error.outcome === "rolled-back") return error;
  return new DebyError(error.code, error.message, {
    cause: error,
    outcome: "rolled-back",
    isLostConnection: error.isLostConnection,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}

function mayRunAgain(error: unknown, retryable: boolean, repeats: number): boolean {
  if (!retryable || !(error instanceof DebyError) || error.outcome !== "rolled-back") return false;
  return mayRepeat(error, "read", repeats) || (isLostConnection(error) && repeats < 2);
}

async function acquire({ gate, pool }: StatementDeps, kind: StatementKind, deadline: Deadline): Promise<Connection> {
  gate.admit({ isWrite: kind === "write" });
  const idle = pool.tryAcquire();
  if (idle !== undefined) return idle;
  gate.noteWaiting();
  return pool.acquire(deadline);
}

function noteRouting({ onTrouble }: StatementDeps, error: unknown): void {
  if (error instanceof DebyError && error.reason === "25006") onTrouble(error);
}

async function pauseBefore({ clock, random }: StatementDeps, error: unknown, repetition: number): Promise<void> {
  if (error instanceof DebyError && error.code === "SERIALIZATION_FAILURE") {
    await sleep(clock, CONFLICT_PAUSE_MS * repetition * random());
  }
}
