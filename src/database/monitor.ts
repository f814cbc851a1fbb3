import type { PoolSettings } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import type { Emitter } from "../core/emitter.ts";
import type { DebyError } from "../errors.ts";
import { type CircuitEvent, initialState, isWaiting, transition, type WaitingState } from "./circuit.ts";
import type { Connection } from "./connection.ts";
import type { CircuitState, DatabaseEvents, Reason, ServerFacts } from "./events.ts";
import { classifyConnectFailure, reasonOf } from "./sqlstate.ts";
import type { Watcher } from "./watcher.ts";

/** A fresh probe that has not decided by then means that the server is lost. */
const VERDICT_LIMIT_MS = 2000;
/** How long a connection that we hold may take to prove that the server lives although it refuses new ones. */
const ALIVE_LIMIT_MS = 1000;

/** What the monitor needs of its probe connection. */
export type ProbeConnection = Pick<
  Connection,
  "facts" | "isLost" | "isBusy" | "onLost" | "control" | "destroy" | "close"
>;

export interface MonitorDeps {
  readonly clock: Clock;
  readonly settings: PoolSettings;
  readonly emitter: Emitter<DatabaseEvents>;
  readonly watcher: Pick<Watcher<ProbeConnection>, "look" | "pauseMs" | "note" | "noteHandshake">;
  /** A whole handshake and a query that proves the server. */
  readonly probe: (deadlineAt: number) => Promise<ProbeConnection>;
  /** Whether a server of this role can serve everything; where it cannot, the state is read-only. */
  readonly isWanted: (facts: ServerFacts) => boolean;
  /** Called before the listeners hear of it: pool and gate follow the state at once. */
  readonly onTransition: (from: CircuitState, to: CircuitState) => void;
}

/**
 * Feeds the circuit: one loop that does one thing at a time, so that there is never more than one probe on its way.
 * Up: a heartbeat on a connection of its own. Suspect: a fresh probe decides. Lost: counted attempts by the schedule,
 * and between them the watcher, whose success is the next attempt.
 */
export class Monitor {
  readonly #deps: MonitorDeps;
  #state: CircuitState;
  #heart: ProbeConnection | undefined;
  #wake = new AbortController();
  #isStopped = false;
  #latencyMs: number | undefined;
  #server: ServerFacts | undefined;

  constructor(deps: MonitorDeps) {
    this.#deps = deps;
    this.#state = initialState(deps.clock.now());
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Milliseconds of the last answered heartbeat. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** What the server said of itself when a probe was last answered. */
  get server(): ServerFacts | undefined {
    return this.#server;
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#wake = new AbortController();
      const state = this.#state;
      if (isWaiting(state)) await this.#attempt(await this.#watchUntilAttempt(state));
      else if (state.name === "suspect") await this.#investigate();
      else if (state.name === "up" || state.name === "read-only") await this.#beat(state);
      else return;
    }
  }

  /** Tells it of a sign of trouble; never blocks. */
  trouble(error: DebyError): void {
    this.#dispatch({ type: "trouble", reason: reasonOf(error) });
  }

  /** No new requests from now on; the heartbeat ends. */
  drain(): void {
    this.#isStopped = true;
    this.#dispatch({ type: "drain" });
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    this.#dispatch({ type: "close" });
    const heart = this.#heart;
    this.#heart = undefined;
    await heart?.close();
  }

  async #beat(state: CircuitState): Promise<void> {
    const { clock, settings } = this.#deps;
    const hasReason = state.name === "read-only" || (state.name === "up" && state.reason !== undefined);
    const pauseMs = hasReason
      ? Math.min(settings.retryIntervalMs, settings.heartbeatIntervalMs)
      : settings.heartbeatIntervalMs;
    await sleep(clock, pauseMs, this.#wake.signal);
    if (this.#isStopped || this.#state !== state) return;
    // What is wrong with new connections or the role is only seen by a new connection.
    if (hasReason || this.#heart === undefined || this.#heart.isLost) return this.#investigate();
    const startedAt = clock.now();
    const limitMs = Math.min(settings.stallAfterMs, settings.heartbeatTimeoutMs);
    const beat = this.#heart.control("select 1", startedAt + limitMs).then(
      () => {
        this.#latencyMs = clock.now() - startedAt;
      },
      (error: DebyError) => {
        if (this.#isStopped) return;
        this.#deps.emitter.emit("heartbeatFailed", { reason: reasonOf(error) });
        this.trouble(error);
      },
    );
    // Trouble that is heard elsewhere meanwhile need not wait for a heart that may be frozen.
    await Promise.race([beat, sleep(clock, limitMs, this.#wake.signal)]);
  }

  /** A fresh probe decides whether the server is there; refused, a connection that we hold may still speak for it. */
  async #investigate(): Promise<void> {
    const { clock, settings } = this.#deps;
    const limitMs = Math.min(VERDICT_LIMIT_MS, settings.connectTimeoutMs);
    try {
      this.#adopt(await this.#deps.probe(clock.now() + limitMs));
    } catch (error) {
      const reason = reasonOf(error);
      const failure = classifyConnectFailure(reason.code);
      this.#deps.watcher.note(error);
      if (failure !== "lost" && (await this.#heartAnswers())) this.#dispatch({ type: "refused-but-alive", reason });
      else this.#dispatch({ type: "failed", reason, failure });
    }
  }

  async #heartAnswers(): Promise<boolean> {
    if (this.#heart === undefined || this.#heart.isLost || this.#heart.isBusy) return false;
    try {
      await this.#heart.control("select 1", this.#deps.clock.now() + ALIVE_LIMIT_MS);
      return true;
    } catch {
      return false;
    }
  }

  /** Waits for the next counted attempt; a proven connection means that it begins now and has already succeeded. */
  async #watchUntilAttempt(state: WaitingState): Promise<ProbeConnection | undefined> {
    const { clock, watcher } = this.#deps;
    while (!this.#isStopped && clock.now() < state.nextAttemptAt) {
      const untilAttemptMs = state.nextAttemptAt - clock.now();
      // Where the server refuses us by name, every look is one more failed login: only the attempts go on.
      const pauseMs = state.name === "blocked" ? untilAttemptMs : watcher.pauseMs(clock.now() - state.lostAt);
      await sleep(clock, Math.min(pauseMs, untilAttemptMs), this.#wake.signal);
      if (this.#isStopped || clock.now() >= state.nextAttemptAt) break;
      const connection = await watcher.look(state.nextAttemptAt);
      if (connection) return connection;
    }
    return undefined;
  }

  async #attempt(proven: ProbeConnection | undefined): Promise<void> {
    const { clock, emitter, settings, watcher, probe } = this.#deps;
    if (this.#isStopped) {
      void proven?.close();
      return;
    }
    this.#dispatch({ type: "attempt-started" });
    const attempt = isWaiting(this.#state) ? this.#state.attempt : 0;
    const of = settings.retryAttempts;
    emitter.emit("attempt", { attempt, of });
    try {
      const connection = proven ?? (await probe(clock.now() + settings.connectTimeoutMs));
      emitter.emit("connected", connection.facts);
      this.#adopt(connection);
    } catch (error) {
      if (this.#isStopped) return;
      const reason = reasonOf(error);
      watcher.note(error);
      this.#dispatch({ type: "failed", reason, failure: classifyConnectFailure(reason.code) });
      const retryInMs = isWaiting(this.#state) ? this.#state.nextAttemptAt - clock.now() : 0;
      emitter.emit("attemptFailed", { attempt, of, reason, retryInMs });
    }
  }

  /** Takes a proven connection as the heartbeat's and lets the circuit know what it proves. */
  #adopt(connection: ProbeConnection): void {
    if (this.#isStopped) {
      void connection.close();
      return;
    }
    const { facts } = connection;
    void this.#heart?.close();
    this.#heart = connection;
    connection.onLost = (error) => this.trouble(error);
    this.#server = facts;
    this.#latencyMs ??= facts.connectMs;
    this.#deps.watcher.noteHandshake(facts.connectMs);
    this.#dispatch({ type: "proven", isWritable: this.#deps.isWanted(facts) });
  }

  #dispatch(event: CircuitEvent): void {
    const { clock, emitter, settings, onTransition } = this.#deps;
    const from = this.#state;
    const to = transition(from, event, clock.now(), settings);
    if (to === from) return;
    this.#state = to;
    if (to.name !== from.name) {
      if (isWaiting(to) && !isWaiting(from)) this.#dropHeart(to.reason);
      onTransition(from, to);
      emitter.emit("transition", { from, to });
    }
    this.#wake.abort();
  }

  /** A connection older than the outage is not trusted with anything. */
  #dropHeart(reason: Reason | undefined): void {
    this.#heart?.destroy("DATABASE_UNAVAILABLE", reason?.message ?? "The database was lost");
    this.#heart = undefined;
  }
}
