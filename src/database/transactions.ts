import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import { acquire, codeForObserver, endOfLease, type LeaseDeps, noteReadOnly, pauseBefore, release } from "./lease.ts";
import type { LeasedConnection } from "./pool-types.ts";
import { finalError, leaseError, mayRepeat, mayRunAgain, withOutcome } from "./retry.ts";
import { leavesTraces } from "./session-traces.ts";
import type { Transaction, TransactionOptions } from "./statement.ts";

const ROLLBACK_LIMIT_MS = 1000;

/** Runs a function between BEGIN and COMMIT on an exclusive connection. */
export async function runTransaction<T>(
  deps: LeaseDeps,
  work: (tx: Transaction) => Promise<T>,
  getDeadline: (now: number) => Deadline,
  options: TransactionOptions,
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

interface Circumstances extends TransactionOptions {
  readonly deadline: Deadline;
  readonly holder: Error;
}

async function runAttempts<T>(
  deps: LeaseDeps,
  work: (tx: Transaction) => Promise<T>,
  { retryable = false, deadline, holder }: Circumstances,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    const askedAt = deps.clock.now();
    const connection = await acquire(deps, "write", deadline, askedAt);
    deps.observer.leaseAcquired(Math.max(0, connection.leasedAt - askedAt));
    connection.holder = holder;
    const attempt = new TransactionAttempt(connection, endOfLease(deps, connection, deadline), deps);
    let failure: unknown;
    try {
      return await attempt.run(work);
    } catch (error) {
      failure = attempt.endsAt < deadline.at ? leaseError(error, deps.leaseLimitMs) : error;
    } finally {
      if (attempt.leavesTraces) deps.pool.evict(connection);
      release(deps, connection);
    }
    noteReadOnly(deps, failure);
    // BEGIN alone has done nothing: whether it arrived or not, it may be sent again.
    const canRepeat = attempt.hasBegun
      ? retryable && mayRunAgain(failure, repeats)
      : mayRepeat(failure, "read", repeats);
    if (!canRepeat) throw failure;
    deps.onRepeat();
    await pauseBefore(deps, failure, repeats + 1);
  }
}

/** One go at a transaction, on one connection. */
class TransactionAttempt {
  hasBegun = false;
  leavesTraces = false;
  /** When it has to be over, on the clock's scale. */
  readonly endsAt: number;
  readonly #connection: LeasedConnection;
  readonly #deps: LeaseDeps;
  /** Errors of this transaction's own statements; those of another lane have a fate of their own. */
  readonly #own = new WeakSet<object>();
  #unanswered = 0;
  #isOver = false;
  /** A statement of the function has ended the transaction, so that we cannot say any more what remains of it. */
  #wasEnded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: LeasedConnection, endsAt: number, deps: LeaseDeps) {
    this.#connection = connection;
    this.endsAt = endsAt;
    this.#deps = deps;
  }

  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await this.#connection.control("begin", this.endsAt);
    this.hasBegun = true;
    const result = await this.#runWork(work);
    let command: string;
    try {
      ({ command } = await this.#connection.control("commit", this.endsAt));
    } catch (error) {
      const isUnsent = error instanceof DebyError && error.outcome === "not-executed";
      throw isUnsent ? withOutcome(error, "rolled-back") : finalError(error, "write");
    }
    if (command === "COMMIT") return result;
    const detail = "The server answered COMMIT with ROLLBACK, since a statement of the transaction had failed";
    throw new DebyError("STATEMENT_FAILED", detail, { outcome: "rolled-back" });
  }

  /** Up to COMMIT, which is not sent: whatever fails here is undone, with the connection if need be. */
  async #runWork<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { clock, sweep } = this.#deps;
    const late = Promise.withResolvers<never>();
    sweep.add({
      sweep: (now) => {
        if (this.#isOver || this.endsAt > now) return !this.#isOver;
        late.reject(this.#fail("DEADLINE_EXCEEDED", LATE));
        return false;
      },
    });
    try {
      const result = await Promise.race([work({ query: this.#query }), late.promise]);
      if (this.#unanswered > 0)
        throw this.#fail("STATEMENT_FAILED", "The function ended before its statements were answered");
      if (this.endsAt <= clock.now()) throw this.#fail("DEADLINE_EXCEEDED", LATE);
      return result;
    } catch (error) {
      this.#isOver = true;
      await this.#rollBack();
      if (!(error instanceof DebyError) || !this.#own.has(error)) throw error;
      throw finalError(withOutcome(error, this.#wasEnded ? "unknown" : "rolled-back"), "write");
    } finally {
      this.#isOver = true;
    }
  }

  /** Statements that a function sends side by side take turns: there is one connection, and one answer at a time. */
  readonly #query: Transaction["query"] = <R>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
    this.#unanswered += 1;
    const answer = this.#last.then(() => this.#run<R>(strings, values));
    this.#last = answer.catch(() => {});
    return answer;
  };

  async #run<R>(strings: TemplateStringsArray, values: readonly unknown[]): Promise<R[]> {
    try {
      if (this.#isOver) throw this.#fail("STATEMENT_FAILED", "The transaction is over; await its statements inside it");
      const { rows, command } = await this.#connection.run<R>(strings, values, this.endsAt);
      this.leavesTraces ||= leavesTraces(command, strings[0] ?? "");
      this.#wasEnded ||= this.#connection.isOutsideTransaction;
      if (this.#wasEnded) throw this.#fail("STATEMENT_FAILED", `${command} does not belong inside transaction()`);
      return rows;
    } catch (error) {
      if (error instanceof DebyError) this.#own.add(error);
      throw error;
    } finally {
      this.#unanswered -= 1;
    }
  }

  #fail(code: "STATEMENT_FAILED" | "DEADLINE_EXCEEDED", message: string): DebyError {
    const error = new DebyError(code, message);
    this.#own.add(error);
    return error;
  }

  async #rollBack(): Promise<void> {
    const connection = this.#connection;
    if (connection.isLost) return;
    // A statement that still runs on it means that nobody waits for it any more: no polite word can be said there.
    if (connection.isBusy) return connection.destroy("DATABASE_UNAVAILABLE", "The transaction was given up");
    await connection.control("rollback", this.#deps.clock.now() + ROLLBACK_LIMIT_MS).catch(() => {});
  }
}

const LATE = "The transaction was not committed within its deadline";
