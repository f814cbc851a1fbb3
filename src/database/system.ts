import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { Emitter } from "../core/emitter.ts";
import { type Random, systemRandom } from "../core/random.ts";
import { DeadlineSweep } from "../core/sweep.ts";
import type { DebyError } from "../errors.ts";
import { isWaiting } from "./circuit.ts";
import { type Connector, type ConnectorDeps, networkConnector } from "./connector.ts";
import type { CircuitState, DatabaseEvents, DatabaseObserver, ServerFacts } from "./events.ts";
import { Gate } from "./gate.ts";
import { type HostConnection, Hosts, type SearchOptions } from "./hosts.ts";
import { Housekeeper } from "./housekeeper.ts";
import type { LeaseDeps } from "./lease.ts";
import { LeaseGuard } from "./lease-guard.ts";
import { Monitor, type ProbeConnection } from "./monitor.ts";
import { Moves } from "./moves.ts";
import type { Resolution } from "./once-run.ts";
import { Once } from "./outcome.ts";
import { OutcomePruner } from "./outcome-pruner.ts";
import { createOutcomeTable } from "./outcome-table.ts";
import type { OwnTable } from "./own-table.ts";
import { Pool } from "./pool.ts";
import type { DatabaseStats, LeasedConnection } from "./pool-types.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Scout } from "./scout.ts";
import { checkStalls } from "./stall-check.ts";
import { StallDetector } from "./stall-detector.ts";
import { runTransaction } from "./transactions.ts";
import { shuttingDown } from "./waiters.ts";
import { Watcher } from "./watcher.ts";

/** Repetitions of reads that may be had at once, for each connection: it may be lost so often in quick succession. */
const BUDGET_PER_CONNECTION = 10;

export interface SystemDeps {
  readonly clock?: Clock;
  readonly random?: Random;
  /** How connections are made; default: over the network. */
  readonly connector?: (deps: ConnectorDeps) => Connector;
  /** Hears of every single use. */
  readonly observer?: DatabaseObserver;
  /** Whether a server that keeps silent is known, by another way than a session, to be alive and at work. */
  readonly isBusy?: () => Promise<boolean>;
  /** Whether requests wait for a database that is not usable. Default: they do. */
  readonly canHold?: boolean;
  /** What is known of the server is to hold for all connections, though others may have its role. Default: it need not. */
  readonly keepsToOneServer?: boolean;
  /** The first attempt to connect waits for this; default: the next turn of the event loop. */
  readonly startAfter?: Promise<void>;
}

/** The parts of the connection system, put together and running. */
export interface System {
  readonly lease: LeaseDeps;
  readonly once: Once;
  /** Where it keeps what was done. */
  readonly outcomes: OwnTable;
  readonly monitor: Pick<Monitor, "state" | "server" | "latencyMs" | "drain" | "trouble">;
  readonly emitter: Emitter<DatabaseEvents>;
  stats(): DatabaseStats;
  /** A connection of the caller's own, to the server that is used. */
  open(deadlineAt: number, signal: AbortSignal): Promise<HostConnection>;
  /** Whether it leads to the server that is used. */
  isOurs(connection: HostConnection): boolean;
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** For one step of the pruning, in milliseconds. */
const PRUNE_LIMIT_MS = 10_000;

const unobserved: DatabaseObserver = {
  connectionCreated() {},
  leaseAcquired() {},
  leaseReleased() {},
  operationEnded() {},
};

/** Builds the connection system; it begins to connect in the next turn of the event loop. */
export function startSystem(target: DatabaseTarget, settings: PoolSettings, deps: SystemDeps): System {
  const { clock = systemClock, random = systemRandom, observer = unobserved, isBusy, canHold = true } = deps;
  const sweep = new DeadlineSweep(clock);
  const emitter = new Emitter<DatabaseEvents>();
  const leaving = new AbortController();
  const closing = new AbortController();
  const { connector = (with_: ConnectorDeps) => networkConnector(target, settings, with_) } = deps;
  const hosts = new Hosts({
    clock,
    hosts: target.hosts,
    wanted: target.targetSessionAttrs,
    connector: connector({ clock, sweep }),
    keepsToOne: deps.keepsToOneServer,
    onRefused: (refused) => emitter.emit("hostRefused", refused),
  });
  const unless = (unwanted: AbortSignal): AbortSignal => AbortSignal.any([closing.signal, unwanted]);
  const probeName = `${target.applicationName}-probe`;
  const search =
    (applicationName: string, how: Pick<SearchOptions, "isPatient" | "canFallBack">) =>
    (deadlineAt: number, unwanted: AbortSignal) =>
      hosts.search({ applicationName, deadlineAt, signal: unless(unwanted), ...how });
  const pool: Pool<LeasedConnection> = new Pool<LeasedConnection>({
    clock,
    random,
    sweep,
    settings,
    open: (deadlineAt, unwanted) =>
      hosts.open({ applicationName: target.applicationName, deadlineAt, signal: unless(unwanted) }),
    onOpened: ({ facts }) => observer.connectionCreated(facts.connectMs),
    onTrouble,
    expiredError: () => gate.expired(),
  });
  const gate: Gate = new Gate({
    clock,
    sweep,
    pool,
    maxWaiters: settings.maxWaiters,
    state: () => monitor.state,
    canHold,
  });
  const stalls = new StallDetector<LeasedConnection>({
    clock,
    stallAfterMs: settings.stallAfterMs,
    connections: () => pool.connections(),
    isWanted: () => !isWaiting(monitor.state) && pool.waiting + pool.opening > 0,
    onStall: () => monitor.stall(),
  });
  const stallDeps = {
    clock,
    stallAfterMs: settings.stallAfterMs,
    takeDue: () => stalls.takeDue(),
    isStalled: stalls.isStalled,
  };
  const monitor: Monitor<LeasedConnection & ProbeConnection> = new Monitor({
    clock,
    settings,
    emitter,
    watcher: new Watcher({
      clock,
      random,
      settings,
      connect: search(target.applicationName, { canFallBack: true }),
      areSeveralHosts: hosts.areSeveral,
    }),
    probe: search(probeName, {}),
    connect: search(target.applicationName, { canFallBack: true, isPatient: true }),
    areSeveralHosts: hosts.areSeveral,
    giveToPool: (connection) => pool.add(connection),
    isWanted: (facts: ServerFacts) => hosts.isWanted(facts),
    isBusy,
    poolAnswers: (deadlineAt) => pool.answers(deadlineAt),
    poolIsAlive: () => pool.isAlive,
    poolIsAtWork: () => pool.leased().some(({ isBusy, backend }) => isBusy && backend.isDirect),
    mayBeQueued: () =>
      [...pool.connections()].some(({ backend }) => !backend.isDirect) &&
      stalls.isWaitedForLessThan(settings.heartbeatTimeoutMs),
    // Whoever can be asked in another way has sessions that tell nothing about each other.
    checkStalls: async (prober, signal) => {
      if (isBusy) return;
      // The prober was let in just now: whoever waits for that since long has been lost on the way.
      pool.renewOpenings(clock.now() - settings.stallAfterMs);
      await checkStalls(prober, stallDeps, signal);
    },
    onTransition,
    onProven: (connection, reason) => moves.note(connection, reason),
    onBeat: (heart) => void moves.followName(heart),
  });
  const moves = new Moves({
    clock,
    hosts,
    signal: closing.signal,
    pool,
    onMoved: (move) => emitter.emit("moved", move),
    onTrouble: (error) => monitor.trouble(error),
  });
  const scout = new Scout({
    clock,
    random,
    hosts,
    applicationName: probeName,
    signal: leaving.signal,
    isActive: () => monitor.state.name === "up",
    onTrouble: (error) => {
      monitor.trouble(error);
      // What ours acknowledges from now on is lost, so it gets nothing more to acknowledge.
      pool.evictAll((connection) => hosts.isOurs(connection));
    },
  });
  const scouting = hosts.isOneRight ? scout.run() : undefined;
  const guard = new LeaseGuard({
    clock,
    leaseWarningMs: settings.leaseWarningMs,
    leased: () => pool.leased(),
    onWarning: (warning) => emitter.emit("leaseWarning", warning),
  });
  const housekeeper = new Housekeeper(clock, pool, guard);
  const budget = new RetryBudget(clock, BUDGET_PER_CONNECTION * settings.poolMax);
  let retries = 0;
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
    if (to.name === from.name || (to.name !== "up" && to.name !== "read-only")) return;
    const counts = gate.takeCounts();
    if (lostAt === undefined) return;
    emitter.emit("recovered", { outageMs: clock.now() - lostAt, attempts, ...counts });
    lostAt = undefined;
  }

  async function close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    monitor.drain();
    leaving.abort();
    housekeeper.stop();
    pruner.stop();
    stalls.stop();
    const heartClosed = monitor.stopHeart();
    await pool.close(clock.now() + graceMs);
    closing.abort();
    monitor.close();
    await Promise.all([heartClosed, scouting]);
  }

  housekeeper.start();
  stalls.start();
  const { startAfter = Promise.resolve() } = deps;
  void startAfter.then(() => setImmediate(() => void monitor.run()));
  const onRepeat = (): void => {
    retries += 1;
  };
  const { leaseLimitMs } = settings;
  const onReadOnly = (error: DebyError): void => monitor.trouble(error);
  const lease: LeaseDeps = {
    clock,
    random,
    sweep,
    pool,
    gate,
    budget,
    observer,
    leaseLimitMs,
    closed: closing.signal,
    expectsWrites: hosts.isWriterExpected,
    onReadOnly,
    onRepeat,
  };
  const outcomes = createOutcomeTable();
  const onResolved = (outcome: Resolution, durationMs: number): void =>
    emitter.emit("outcomeResolved", { outcome, durationMs });
  const pruner = new OutcomePruner({
    clock,
    random,
    retentionMs: settings.keyRetentionMs,
    isNeeded: () => outcomes.isMade && monitor.state.name === "up",
    transact: (work) => runTransaction(lease, work, (now) => ({ at: now + PRUNE_LIMIT_MS }), {}),
    onPruned: (count) => emitter.emit("keysPruned", { count }),
  });
  pruner.start();
  return {
    lease,
    once: new Once({ ...lease, onResolved }, outcomes),
    outcomes,
    monitor,
    emitter,
    stats: () => ({ ...pool.stats(), ...gate.stats(), retries, retryBudget: Math.floor(budget.balance) }),
    open: (deadlineAt, unwanted) => hosts.open({ applicationName: probeName, deadlineAt, signal: unless(unwanted) }),
    isOurs: (connection) => hosts.isOurs(connection),
    close,
  };
}
