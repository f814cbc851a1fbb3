import { DebyError } from "../errors.ts";
import type { LeaseDeps } from "./lease.ts";
import type { LeasedConnection } from "./pool-types.ts";
import { endsTransaction, finalError, withOutcome } from "./retry.ts";
import { leavesTraces } from "./session-traces.ts";
import type { Transaction } from "./statement.ts";

const ROLLBACK_LIMIT_MS = 1000;
/** Nobody is kept waiting much longer than the transaction may last for the answer to its ROLLBACK. */
const LATE_ROLLBACK_MS = 50;
const ENDED = "A statement of the function has ended the transaction";
const NOT_TO_END =
  "COMMIT, ROLLBACK and the like do not belong inside transaction(), which is committed by returning and undone by throwing";
const CLOSED = "The database was closed before the function had returned";
const LATE = "The transaction was not committed within its deadline";

/** SQLSTATE feature_not_supported: how a standby answers a BEGIN that asks for a read-write transaction. */
const UNSUPPORTED = "0A000";

function takesNoWrites(cause: DebyError): DebyError {
  return new DebyError("READ_ONLY", cause.message, { cause, reason: "25006", outcome: "rolled-back" });
}

/** One go at a transaction, on one connection. */
export class TransactionAttempt {
  hasBegun = false;
  /** COMMIT was handed to the connection: from then on only the server knows what became of the transaction. */
  isCommitSent = false;
  leavesTraces = false;
  /** The function has thrown what says nothing about this transaction: something of its own, or another lane's error. */
  isForeignFailure = false;
  /** When it has to be over, on the clock's scale. */
  readonly endsAt: number;
  readonly #connection: LeasedConnection;
  readonly #deps: Pick<LeaseDeps, "clock" | "sweep" | "closed">;
  readonly #begin: string;
  /** Errors of this transaction's own statements; those of another lane have a fate of their own. */
  readonly #own = new WeakSet<object>();
  #unanswered = 0;
  #isOver = false;
  /** A statement of the function has ended the transaction, so that we cannot say any more what remains of it. */
  #wasEnded = false;
  /** One was to do so, and was not sent. */
  #shouldEnd = false;
  #last: Promise<unknown> = Promise.resolve();

  /** `begin` is what it begins with, in one round trip. */
  constructor(
    connection: LeasedConnection,
    endsAt: number,
    { begin = "begin", ...deps }: Pick<LeaseDeps, "clock" | "sweep" | "closed"> & { readonly begin?: string },
  ) {
    this.#connection = connection;
    this.endsAt = endsAt;
    this.#deps = deps;
    this.#begin = begin;
  }

  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    await this.#sendBegin();
    this.hasBegun = true;
    const result = await this.#runWork(work);
    let command: string;
    this.isCommitSent = true;
    try {
      ({ command } = await this.#connection.control("commit", this.endsAt));
    } catch (error) {
      this.isCommitSent = !(error instanceof DebyError && error.outcome === "not-executed");
      if (!this.isCommitSent) throw withOutcome(error as DebyError, "rolled-back");
      throw finalError(error, "write");
    }
    if (command === "COMMIT") return result;
    const detail = "The server answered COMMIT with ROLLBACK, since a statement of the transaction had failed";
    throw new DebyError("STATEMENT_FAILED", detail, { outcome: "rolled-back" });
  }

  /** Whether it arrived or not: alone it has done nothing. */
  async #sendBegin(): Promise<void> {
    try {
      await this.#connection.control(this.#begin, this.endsAt);
    } catch (error) {
      // What stood behind BEGIN in the same message has failed.
      const isBehindBegin = this.#connection.isInTransaction;
      if (isBehindBegin) await this.#rollBack();
      if (!(error instanceof DebyError)) throw error;
      if (error.reason === UNSUPPORTED && !isBehindBegin) throw takesNoWrites(error);
      throw error.outcome === "unknown" ? withOutcome(error, "not-executed") : error;
    }
  }

  /** Up to COMMIT, which is not sent: whatever fails here is undone, with the connection if need be. */
  async #runWork<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { clock, sweep, closed } = this.#deps;
    const late = Promise.withResolvers<never>();
    sweep.add({
      sweep: (now) => {
        if (this.#isOver || (this.endsAt > now && !closed.aborted)) return !this.#isOver;
        late.reject(closed.aborted ? this.#fail("SHUTTING_DOWN", CLOSED) : this.#fail("DEADLINE_EXCEEDED", LATE));
        return false;
      },
    });
    try {
      const result = await Promise.race([work({ query: this.#query }), late.promise]);
      if (this.#unanswered > 0)
        throw this.#fail("STATEMENT_FAILED", "The function ended before its statements were answered");
      if (this.#wasEnded) throw this.#fail("STATEMENT_FAILED", ENDED);
      if (this.#shouldEnd) throw this.#fail("STATEMENT_FAILED", NOT_TO_END);
      if (this.endsAt <= clock.now()) throw this.#fail("DEADLINE_EXCEEDED", LATE);
      return result;
    } catch (error) {
      this.#isOver = true;
      await this.#rollBack();
      this.isForeignFailure = !(error instanceof DebyError && this.#own.has(error));
      if (this.isForeignFailure) throw error;
      throw finalError(withOutcome(error as DebyError, this.#wasEnded ? "unknown" : "rolled-back"), "write");
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
      if (this.#wasEnded) throw this.#fail("STATEMENT_FAILED", ENDED);
      this.#shouldEnd ||= endsTransaction(strings[0] ?? "");
      if (this.#shouldEnd) throw this.#fail("STATEMENT_FAILED", NOT_TO_END);
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

  #fail(code: "STATEMENT_FAILED" | "DEADLINE_EXCEEDED" | "SHUTTING_DOWN", message: string): DebyError {
    const error = new DebyError(code, message);
    this.#own.add(error);
    return error;
  }

  async #rollBack(): Promise<void> {
    const connection = this.#connection;
    if (connection.isLost) return;
    // A statement that still runs on it means that nobody waits for it any more: no polite word can be said there.
    if (connection.isBusy) return connection.destroy("DATABASE_UNAVAILABLE", "The transaction was given up");
    const now = this.#deps.clock.now();
    const limitAt = Math.min(now + ROLLBACK_LIMIT_MS, Math.max(now, this.endsAt) + LATE_ROLLBACK_MS);
    await connection.control("rollback", limitAt).catch(() => {});
  }
}
