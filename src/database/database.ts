import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { currentDeadline, type Deadline, earlier } from "../core/deadline.ts";
import { Emitter } from "../core/emitter.ts";
import { type Random, systemRandom } from "../core/random.ts";
import { DeadlineSweep } from "../core/sweep.ts";
import type { DebyError } from "../errors.ts";
import { isWaiting } from "./circuit.ts";
import { Connection } from "./connection.ts";
import { knock } from "./dial.ts";
import type { CircuitState, DatabaseEvents, ServerFacts } from "./events.ts";
import { Gate, shuttingDown } from "./gate.ts";
import { Housekeeper } from "./housekeeper.ts";
import { Monitor } from "./monitor.ts";
import { Pool } from "./pool.ts";
import type { PoolStats } from "./pool-types.ts";
import { hasRole } from "./role.ts";
import type { Statement, Transaction, TransactionOptions } from "./statement.ts";
import { runStatement, runTransaction, type StatementDeps } from "./statements.ts";
import { Watcher } from "./watcher.ts";

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
  const { signal } = closing;
  const prepare = settings.prepare !== "off";
  const open = (applicationName: string, deadlineAt: number) =>
    Connection.open(target, { clock, sweep, deadlineAt, signal, applicationName, prepare });
  const probe = (deadlineAt: number) => open(`${target.applicationName}-probe`, deadlineAt);
  const pool = new Pool<Connection>({
    clock,
    random,
    sweep,
    settings,
    open: (deadlineAt) => open(target.applicationName, deadlineAt),
    onTrouble,
    expiredError: () => gate.expired(),
  });
  const gate = new Gate({ clock, pool, state: () => monitor.state });
  const watcher = new Watcher<Connection>({
    clock,
    random,
    settings,
    probe,
    knock: (deadlineAt) => knock(target, { clock, deadlineAt, signal }),
  });
  const isWanted = (facts: ServerFacts) => hasRole(facts, target.targetSessionAttrs);
  const monitor = new Monitor({ clock, settings, emitter, watcher, probe, isWanted, onTransition });
  const housekeeper = new Housekeeper(clock, pool);
  const statements: StatementDeps = { clock, random, pool, gate, onTrouble };
  let lostAt: number | undefined;
  let attempts = 0;

  function onTrouble(error: DebyError): void {
    if (monitor.state.name === "draining") pool.rejectWaiters(shuttingDown);
    else monitor.trouble(error);
  }

  function onTransition(from: CircuitState, to: CircuitState): void {
    gate.follow(from, to);
    if (isWaiting(from)) attempts = from.attempt;
    if (isWaiting(to) && to.name !== "starting") lostAt ??= to.lostAt;
    if (to.name !== "up" && to.name !== "read-only") return;
    const counts = gate.takeCounts();
    if (lostAt === undefined) return;
    emitter.emit("recovered", { outageMs: clock.now() - lostAt, attempts, ...counts });
    lostAt = undefined;
  }

  async function close({ graceMs = 5000 }: { readonly graceMs?: number } = {}): Promise<void> {
    monitor.drain();
    housekeeper.stop();
    await pool.close(clock.now() + graceMs);
    closing.abort();
    await monitor.close();
  }

  function facade(own: Deadline | undefined): Database {
    const deadline = (): Deadline => {
      const outer = currentDeadline();
      if (own !== undefined) return earlier(outer, own);
      return outer ?? { at: clock.now() + settings.requestTimeoutMs };
    };
    return {
      read: (strings, ...values) => runStatement(statements, "read", { strings, values }, deadline()),
      query: (strings, ...values) => runStatement(statements, "write", { strings, values }, deadline()),
      transaction: (work, options = {}) => runTransaction(statements, work, deadline(), options),
      with: ({ deadlineMs = settings.requestTimeoutMs, signal }) => {
        const at = clock.now() + deadlineMs;
        return facade(signal ? { at, signal } : { at });
      },
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
  setImmediate(() => void monitor.run());
  return facade(undefined);
}
