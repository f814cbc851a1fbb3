import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import { currentDeadline, type Deadline, earlier } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import type { CircuitState, DatabaseEvents, ServerFacts } from "./events.ts";
import type { KeyStatus, OnceOptions } from "./outcome.ts";
import type { Stored } from "./outcome-json.ts";
import type { OwnTable } from "./own-table.ts";
import type { DatabaseStats } from "./pool-types.ts";
import { StandbyReads, startStandbySystem } from "./standby-reads.ts";
import type { Statement, Transaction, TransactionOptions } from "./statement.ts";
import { runStatement } from "./statements.ts";
import { type SystemDeps, startSystem } from "./system.ts";
import { tableAccess } from "./table-access.ts";
import { runTransaction } from "./transactions.ts";

export interface DeadlineOptions {
  /** Milliseconds from now; the earlier of this and the request's own deadline counts. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The resilient database that routes and programs see. What is asked of it has a deadline: the request's in whose course
 * it is asked, else `request-timeout` (30 s) from now on; `with()` sets an earlier one.
 *
 * Everything throws DebyError, whose `outcome` tells what became of the statement: DATABASE_UNAVAILABLE,
 * DATABASE_MISCONFIGURED, POOL_EXHAUSTED, READ_ONLY and SHUTTING_DOWN where nothing was executed or all is undone;
 * STATEMENT_TIMEOUT and DEADLINE_EXCEEDED; ABORTED where the signal fired; CONSTRAINT_VIOLATED and STATEMENT_FAILED with
 * the SQLSTATE as `reason`; SERIALIZATION_FAILURE; OUTCOME_UNKNOWN of a write that was sent and not answered.
 */
export interface Database {
  /** A statement that only reads and may therefore be repeated after a lost connection. Gives its rows. */
  readonly read: Statement;
  /** Any statement; never repeated once it was sent. Gives its rows. */
  readonly query: Statement;
  /**
   * BEGIN, `work`, COMMIT, on one connection; gives what `work` gives. What `work` throws undoes it and is thrown on.
   * `retryable` lets it run again where it is known to be undone: by a collision, or by a lost connection.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs `work` in a transaction, once for all calls with this key, in whatever process: a lost connection, even one
   * whose COMMIT was not answered, is resolved. All get the same result, as JSON gives it back. What `work` throws undoes
   * it, is thrown on, and frees the key.
   * @param key 1 to 255 characters
   * @throws DebyError KEY_REUSED for another fingerprint, KEY_IN_PROGRESS where another call runs at the deadline
   */
  once<T>(key: string, work: (tx: Transaction) => Promise<T>, options?: OnceOptions): Promise<Stored<T>>;
  /**
   * What has become of a key, in whatever scope where none is given. `unknown` where the database cannot be asked by the
   * deadline.
   */
  outcome(key: string, options?: Pick<OnceOptions, "scope">): Promise<KeyStatus>;
  /** The same database with a deadline or a signal of its own. */
  with(options: DeadlineOptions): Database;
  /** The circuit's state, from memory. Its times are milliseconds on the scale of `performance.now()`. */
  state(): CircuitState;
  /** Figures of this moment, and totals since the start; from memory. */
  stats(): DatabaseStats;
  /** What the server said of itself when it last answered a probe; undefined before the first time. */
  server(): ServerFacts | undefined;
  /** Milliseconds of the last answered heartbeat or probe query. */
  latencyMs(): number | undefined;
  /** Returns the function that stops listening. */
  on<E extends keyof DatabaseEvents>(event: E, listener: (detail: DatabaseEvents[E]) => void): () => void;
  /** No new work from now on; waiting requests get SHUTTING_DOWN. What is in flight may finish. */
  drain(): void;
  /**
   * Ends everything: in-flight work has `graceMs` (default 5000) to finish, with what else it asks of the database; when it
   * has, whoever waits or comes gets SHUTTING_DOWN. A second call waits for the first.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** @internal With what only deby's own routes need. */
export interface OwnDatabase extends Database {
  /** Makes a table where it is missing that is written to by `once`; throws as `OwnTable.make` does. */
  makeTable(table: OwnTable): Promise<void>;
}

/**
 * @internal
 * A database that starts to connect at once and reconnects for ever; never throws because the server is away.
 * Listen before you await: the first attempt begins in the next turn of the event loop.
 */
export function openDatabase(target: DatabaseTarget, settings: PoolSettings, deps: SystemDeps = {}): OwnDatabase {
  const system = startSystem(target, settings, deps);
  const { lease, once, outcomes, monitor, emitter, stats, close } = system;
  const { clock } = lease;
  let closed: Promise<void> | undefined;
  const standby = settings.readFrom === "prefer-standby" ? startStandbyReads() : undefined;

  function startStandbyReads(): StandbyReads {
    const reads = new StandbyReads({
      clock,
      primary: system,
      standby: startStandbySystem(target, settings, deps),
      lagLimitMs: settings.readLagLimitMs,
      onChange: (change) => emitter.emit("standbyReads", change),
    });
    reads.start();
    return reads;
  }

  async function closeAll(graceMs: number): Promise<void> {
    await Promise.all([close({ graceMs }), standby?.close({ graceMs })]);
  }

  /** `own.at` is undefined where only a signal was given: each statement has the usual time then. */
  function facade(own: { readonly at?: number; readonly signal?: AbortSignal } | undefined): OwnDatabase {
    const deadline = (now: number): Deadline => {
      const outer = currentDeadline();
      if (own === undefined) return outer ?? { at: now + settings.requestTimeoutMs };
      if (own.signal?.aborted) throw new DebyError("ABORTED", "The caller went away before the statement was sent");
      const at = own.at ?? now + settings.requestTimeoutMs;
      return earlier(outer, own.signal ? { at, signal: own.signal } : { at });
    };
    return {
      read: (strings, ...values) =>
        standby === undefined
          ? runStatement(lease, "read", { strings, values }, deadline)
          : standby.read({ strings, values }, deadline),
      query: (strings, ...values) => runStatement(lease, "write", { strings, values }, deadline),
      transaction: (work, options = {}) => runTransaction(lease, work, deadline, options),
      once: (key, work, options = {}) => once.run(key, work, deadline, options),
      makeTable: (table) => {
        const due = deadline(clock.now());
        return table.make(
          tableAccess(lease, () => due),
          { clock, deadlineAt: due.at },
          [outcomes],
        );
      },
      outcome: (key, options = {}) => once.status(key, deadline, options),
      with: ({ deadlineMs, signal }) => {
        // NaN would be no deadline at all, since nothing is ever later than that.
        if (Number.isNaN(deadlineMs)) throw new DebyError("VALIDATION_FAILED", "deadlineMs is not a number");
        return facade({
          ...(deadlineMs === undefined ? {} : { at: clock.now() + deadlineMs }),
          ...(signal ? { signal } : {}),
        });
      },
      state: () => monitor.state,
      stats: () => (standby === undefined ? stats() : { ...stats(), standby: standby.stats() }),
      server: () => monitor.server,
      latencyMs: () => monitor.latencyMs,
      on: (event, listener) => emitter.on(event, listener),
      drain: () => {
        monitor.drain();
        standby?.drain();
      },
      close: ({ graceMs = 5000 } = {}) => {
        closed ??= closeAll(graceMs);
        return closed;
      },
    };
  }

  return facade(undefined);
}
