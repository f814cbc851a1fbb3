import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { currentDeadline, type Deadline, earlier } from "../core/deadline.ts";
import { Emitter } from "../core/emitter.ts";
import { type Random, systemRandom } from "../core/random.ts";
import { DeadlineSweep } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";
import { isWaiting } from "./circuit.ts";
import { Connection } from "./connection.ts";
import { knock } from "./dial.ts";
import type { CircuitState, DatabaseEvents, ServerFacts } from "./events.ts";
import { Gate, shuttingDown } from "./gate.ts";
import { Housekeeper } from "./housekeeper.ts";
import type { LeaseDeps } from "./lease.ts";
import { Monitor } from "./monitor.ts";
import { Pool } from "./pool.ts";
import type { PoolStats } from "./pool-types.ts";
import { hasRole } from "./role.ts";
import type { Statement, Transaction, TransactionOptions } from "./statement.ts";
import { runStatement } from "./statements.ts";
import { runTransaction } from "./transactions.ts";
import { Watcher } from "./watcher.ts";

/** Between two questions to the server whether it takes writes, in milliseconds. */
const READ_ONLY_PAUSE_MS = 1000;

export interface DeadlineOptions {
  /** Milliseconds from now; the earlier of this and the request's own deadline counts. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The resilient database that routes and programs see. */
export interface Database {
  /** A statement that only reads and may therefore be repeated after a lost connection. */
  readonly read: Statement;
  /** Any statement; never repeated once it was sent. */
  readonly query: Statement;
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** The same database with a deadline or a signal of its own. */
  with(options: DeadlineOptions): Database;
  /** The circuit's state, from memory. */
  state(): CircuitState;
  stats(): PoolStats;
  /** What the server said of itself when it last answered a probe; undefined before the first time. */
  server(): ServerFacts | undefined;
  /** Milliseconds of the last answered heartbeat or probe query. */
  latencyMs(): number | undefined;
  /** Returns the function that stops listening. */
  on<E extends keyof DatabaseEvents>(event: E, listener: (detail: DatabaseEvents[E]) => void): () => void;
  /** No new work from now on; waiting requests get SHUTTING_DOWN. What is in flight may finish. */
  drain(): void;
  /** Ends everything: in-flight work has `graceMs` to finish. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface DatabaseDeps {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Whether a server that keeps silent is known, by another way than a session, to be alive and at work. */
  readonly isBusy?: () => Promise<boolean>;
  /** The first attempt to connect waits for this; default: the next turn of the event loop. */
  readonly startAfter?: Promise<void>;
}

/**
 * A database that starts to connect at once and reconnects for ever; never throws because the server is away.
 * Listen before you await: the first attempt begins in the next turn of the event loop.
 */
export function openDatabase(target: DatabaseTarget, settings: PoolSettings, deps: DatabaseDeps = {}): Database {
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? systemRandom;
  const sweep = new DeadlineSweep(clock);
  const emitter = new Emitter<DatabaseEvents>();
  const closing = new AbortController();
  const prepare = settings.prepare !== "off";
  const open = (applicationName: string, deadlineAt: number, unwanted: AbortSignal) => {
    const signal = AbortSignal.any([closing.signal, unwanted]);
    return Connection.open(target, { clock, sweep, deadlineAt, signal, applicationName, prepare });
  };
  const probe = (deadlineAt: number, unwanted: AbortSignal) =>
    open(`${target.applicationName}-probe`, deadlineAt, unwanted);
  const pool = new Pool<Connection>({
    clock,
    random,
    sweep,
    settings,
    open: (deadlineAt, unwanted) => open(target.applicationName, deadlineAt, unwanted),
    onTrouble,
    expiredError: () => gate.expired(),
  });
  const gate = new Gate({ clock, pool, state: () => monitor.state });
  const watcher = new Watcher<Connection>({
    clock,
    random,
    settings,
    probe,
    knock: (deadlineAt, signal) => knock(target, { clock, deadlineAt, signal }),
  });
  const isWanted = (facts: ServerFacts) => hasRole(facts, target.targetSessionAttrs);
  const { isBusy } = deps;
  const monitor = new Monitor({
    clock,
    settings,
    emitter,
    watcher,
    probe,
    isWanted,
    isBusy,
    poolAnswers: (deadlineAt) => pool.answers(deadlineAt),
    onTransition,
  });
  const housekeeper = new Housekeeper(clock, pool);
  const lease: LeaseDeps = { clock, random, sweep, pool, gate, onReadOnly };
  let readOnlyNotedAt = Number.NEGATIVE_INFINITY;
  let lostAt: number | undefined;
  let attempts = 0;

  function onTrouble(error: DebyError): void {
    if (monitor.state.name === "draining") pool.rejectWaiters(shuttingDown);
    else monitor.trouble(error);
  }

  /** A transaction may be read-only by its own wish: the question is put to the server, but not for every statement. */
  function onReadOnly(error: DebyError): void {
    if (clock.now() - readOnlyNotedAt < READ_ONLY_PAUSE_MS) return;
    readOnlyNotedAt = clock.now();
    monitor.trouble(error);
  }

  function onTransition(from: CircuitState, to: CircuitState): void {
    gate.follow(from, to);
    if (isWaiting(from)) attempts = from.attempt;
    if (isWaiting(to) && to.name !== "starting") lostAt ??= to.lostAt;
    if (to.name === from.name || (to.name !== "up" && to.name !== "read-only")) return;
    const counts = gate.takeCounts();
    if (lostAt === undefined) return;
    emitter.emit("recovered", { outageMs: clock.now() - lostAt, attempts, ...counts });
    lostAt = undefined;
  }

  async function close({ graceMs = 5000 }: { readonly graceMs?: number } = {}): Promise<void> {
    monitor.drain();
    housekeeper.stop();
    const heartClosed = monitor.stopHeart();
    await pool.close(clock.now() + graceMs);
    closing.abort();
    monitor.close();
    await heartClosed;
  }

  /** `own.at` is undefined where only a signal was given: each statement has the usual time then. */
  function facade(own: { readonly at?: number; readonly signal?: AbortSignal } | undefined): Database {
    const deadline = (): Deadline => {
      const outer = currentDeadline();
      if (own === undefined) return outer ?? { at: clock.now() + settings.requestTimeoutMs };
      if (own.signal?.aborted) throw new DebyError("ABORTED", "The caller went away before the statement was sent");
      const at = own.at ?? clock.now() + settings.requestTimeoutMs;
      return earlier(outer, own.signal ? { at, signal: own.signal } : { at });
    };
    return {
      read: (strings, ...values) => runStatement(lease, "read", { strings, values }, deadline),
      query: (strings, ...values) => runStatement(lease, "write", { strings, values }, deadline),
      transaction: (work, options = {}) => runTransaction(lease, work, deadline, options),
      with: ({ deadlineMs, signal }) =>
        facade({
          ...(deadlineMs === undefined ? {} : { at: clock.now() + deadlineMs }),
          ...(signal ? { signal } : {}),
        }),
      state: () => monitor.state,
      stats: () => pool.stats(),
      server: () => monitor.server,
      latencyMs: () => monitor.latencyMs,
      on: (event, listener) => emitter.on(event, listener),
      drain: () => monitor.drain(),
      close,
    };
  }

  housekeeper.start();
  const { startAfter = Promise.resolve() } = deps;
  void startAfter.then(() => setImmediate(() => void monitor.run()));
  return facade(undefined);
}
