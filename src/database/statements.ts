import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import { requireSendable } from "./driver-statement.ts";
import type { AnswerListener } from "./exchange.ts";
import {
  codeForObserver,
  endOfLease,
  type LeaseDeps,
  mayTryElsewhere,
  pauseBefore,
  type Repetition,
  release,
} from "./lease.ts";
import type { LeasedConnection } from "./pool-types.ts";
import {
  finalError,
  isRefusal,
  leaseError,
  mayRepeat,
  needsBudget,
  type StatementKind,
  standaloneError,
} from "./retry.ts";
import { leavesTraces } from "./session-traces.ts";
import { Waiter } from "./waiters.ts";

/** A statement as its template has it. */
export interface StatementText {
  readonly strings: TemplateStringsArray;
  readonly values: readonly unknown[];
}

interface Caller<R> {
  readonly resolve: (rows: R[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs one statement on a connection of its own; reads are repeated after a lost connection. */
export function runStatement<R>(
  deps: LeaseDeps,
  kind: StatementKind,
  text: StatementText,
  getDeadline: (now: number) => Deadline,
): Promise<R[]> {
  return new Promise<R[]>((resolve, reject) => {
    new StatementRun<R>(deps, kind, text, { resolve, reject }).start(getDeadline);
  });
}

/**
 * A statement on its way through gate, pool and connection, told by each when it may go on. An object with one promise,
 * its caller's: every promise more on this way is felt in the throughput.
 */
class StatementRun<R> extends Waiter<LeasedConnection> implements AnswerListener<R> {
  readonly #deps: LeaseDeps;
  readonly #kind: StatementKind;
  readonly #text: StatementText;
  readonly #caller: Caller<R>;
  readonly #startedAt: number;
  #deadline: Deadline = { at: 0 };
  #askedAt = 0;
  #endsAt = 0;
  #connection: LeasedConnection | undefined;
  #repeats = 0;

  constructor(deps: LeaseDeps, kind: StatementKind, text: StatementText, caller: Caller<R>) {
    super();
    this.#deps = deps;
    this.#kind = kind;
    this.#text = text;
    this.#caller = caller;
    this.#startedAt = deps.clock.now();
  }

  start(getDeadline: (now: number) => Deadline): void {
    if (this.#kind === "read") this.#deps.budget.deposit();
    try {
      requireSendable(this.#text.strings, this.#text.values);
      this.#deadline = getDeadline(this.#startedAt);
      this.#enter(this.#startedAt);
    } catch (error) {
      this.#end(error);
    }
  }

  /** Through the gate, and to a connection; throws what the gate throws. */
  #enter(now: number): void {
    this.#askedAt = now;
    const held = this.#deps.gate.admit(this.#kind, this.#deadline);
    if (held === undefined) this.#take(now);
    else held.then(() => this.#take(this.#deps.clock.now())).catch((error) => this.#end(error));
  }

  #take(now: number): void {
    const { gate, pool } = this.#deps;
    const idle = pool.tryAcquire(now);
    if (idle === undefined) {
      gate.enterQueue();
      pool.enqueue(this, this.#deadline, now);
    } else {
      this.served(idle);
    }
  }

  override served(connection: LeasedConnection): void {
    const { strings, values } = this.#text;
    if (this.#kind === "write" && this.#deps.gate.isReadOnly) {
      void this.#giveBack(connection);
      return;
    }
    this.#deps.observer.leaseAcquired(Math.max(0, connection.leasedAt - this.#askedAt));
    connection.holder = strings;
    this.#connection = connection;
    this.#endsAt = endOfLease(this.#deps, connection, this.#deadline);
    try {
      connection.start<R>(strings, values, this.#endsAt, this);
    } catch (error) {
      this.failed(error);
    }
  }

  /** The server has turned out to take no writes while this waited in the pool's queue. */
  async #giveBack(connection: LeasedConnection): Promise<void> {
    // Not in the course of being served, which would serve the next one in the course of this.
    await null;
    this.#deps.pool.release(connection);
    try {
      this.#enter(this.#deps.clock.now());
    } catch (error) {
      this.#end(error);
    }
  }

  override refused(error: DebyError): void {
    this.#end(error);
  }

  answered(rows: R[], command: string): void {
    const { pool, observer } = this.#deps;
    const connection = this.#connection as LeasedConnection;
    if (leavesTraces(command, this.#text.strings[0] ?? "")) pool.evict(connection);
    if (connection.isInTransaction) {
      this.failed(openTransactionError(command));
      return;
    }
    observer.operationEnded(this.#operation, connection.lastAnswerAt - this.#startedAt, undefined);
    release(this.#deps, connection);
    this.#caller.resolve(rows);
  }

  failed(error: unknown): void {
    const { leaseLimitMs } = this.#deps;
    const ended = this.#endsAt < this.#deadline.at ? leaseError(error, leaseLimitMs) : error;
    const connection = this.#connection as LeasedConnection;
    const failure = standaloneError(ended, this.#text.strings[0] ?? "");
    if (isRefusal(failure) && this.#deps.expectsWrites) this.#deps.pool.evict(connection);
    release(this.#deps, connection);
    void this.#repeatOrEnd(failure);
  }

  async #repeatOrEnd(failure: unknown): Promise<void> {
    const circumstances = { kind: this.#kind, repeats: this.#repeats, deadline: this.#deadline };
    try {
      if (!(await canRepeat(this.#deps, failure, circumstances))) return this.#end(finalError(failure, this.#kind));
      this.#repeats += 1;
      this.#deps.onRepeat();
      this.#enter(this.#deps.clock.now());
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error: unknown): void {
    const { clock, observer } = this.#deps;
    observer.operationEnded(this.#operation, clock.now() - this.#startedAt, codeForObserver(error));
    this.#caller.reject(error);
  }

  get #operation(): "read" | "query" {
    return this.#kind === "read" ? "read" : "query";
  }
}

/** Whether the statement goes round once more; has waited by then for as long as that needs. */
async function canRepeat(deps: LeaseDeps, failure: unknown, { kind, repeats, deadline }: Repetition) {
  if (isRefusal(failure)) return await mayTryElsewhere(deps, failure as DebyError, { kind, repeats, deadline });
  if (!mayRepeat(failure, kind, repeats)) return false;
  if (needsBudget(failure) && !deps.budget.tryWithdraw()) return false;
  await pauseBefore(deps, failure, { repetition: repeats + 1, deadline });
  return true;
}

/** The pool evicts a connection that comes back in a transaction, which undoes it. */
function openTransactionError(command: string): DebyError {
  return new DebyError("STATEMENT_FAILED", `Use transaction(), not a ${command} statement`, { outcome: "rolled-back" });
}
