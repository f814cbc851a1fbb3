import type { PoolSettings } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import type { Emitter } from "../core/emitter.ts";
import type { DebyError } from "../errors.ts";
import { dialAndLook } from "./attempt.ts";
import { type CircuitEvent, initialState, isWaiting, transition, type WaitingState } from "./circuit.ts";
import type { Connection } from "./connection.ts";
import type { CircuitState, DatabaseEvents, Reason, ServerFacts } from "./events.ts";
import { classifyConnectFailure, codeOf, reasonOf } from "./sqlstate.ts";
import type { Watcher } from "./watcher.ts";

/** A fresh probe that has not decided by then means that the server is lost. */
const VERDICT_LIMIT_MS = 2000;
/** The same for a stall check: the wait until it began has told something already. */
const STALL_VERDICT_LIMIT_MS = 1500;
/** After an outage: the first heartbeat opens a connection, which is not to be in the way of those who were waiting. */
const FIRST_BEAT_MS = 500;
/** SQLSTATE too_many_connections: only a server that lives says so. */
const FULL = "53300";
/** A session was let in, and its first statement not answered in time. */
const UNANSWERED = "UNANSWERED";
/** While new connections are refused: how soon to ask again. A refusal by name is one more failed login each time. */
const REFUSED_PAUSE_MS = 1000;

/** What the monitor needs of its probe connection. */
export type ProbeConnection = Pick<
  Connection,
  "facts" | "backend" | "remoteAddress" | "isLost" | "isBusy" | "onLost" | "control" | "destroy" | "close"
>;

export interface MonitorDeps<C extends ProbeConnection = ProbeConnection> {
  readonly clock: Clock;
  readonly settings: PoolSettings;
  readonly emitter: Emitter<DatabaseEvents>;
  readonly watcher: Pick<
    Watcher<C>,
    "look" | "wait" | "giveUp" | "pauseMs" | "firstPauseMs" | "note" | "noteHandshake"
  >;
  /** A whole handshake and a query that proves the server, for a connection of the monitor's own. */
  readonly probe: (deadlineAt: number, signal: AbortSignal) => Promise<ProbeConnection>;
  /** The same for a connection that the pool may have. */
  readonly connect: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  readonly areSeveralHosts: boolean;
  /** The connection that ended an outage is the pool's first: nobody waits for another. */
  readonly giveToPool: (connection: C) => void;
  /** Whether any connection of the pool answers by the deadline. */
  readonly poolAnswers: (deadlineAt: number) => Promise<boolean>;
  /** Whether the pool has a connection that is not known to be lost. */
  readonly poolIsAlive: () => boolean;
  /** Whether a statement is on its way on a connection of the pool, to the server itself and not to a pooler. */
  readonly poolIsAtWork: () => boolean;
  /** Whether a session that is let in and not answered may be waiting its turn behind a pooler. */
  readonly mayBeQueued: () => boolean;
  /** Puts the questions of a stall check to a server that has just proven itself. */
  readonly checkStalls: (probe: ProbeConnection, signal: AbortSignal) => Promise<void>;
  /** Whether a server of this role can serve everything; where it cannot, the state is read-only. */
  readonly isWanted: (facts: ServerFacts) => boolean;
  /**
   * Whether the server is known, by another way than a session, to be alive and at work; asked when it has kept silent
   * for too long, and only then. Undefined where there is no other way.
   */
  readonly isBusy?: (() => Promise<boolean>) | undefined;
  /** Called before the listeners hear of it: pool and gate follow the state at once. */
  readonly onTransition: (from: CircuitState, to: CircuitState) => void;
  /** The server that answered is the one to use from now on; called before the circuit hears of it. */
  readonly onProven: (connection: ProbeConnection, reason: Reason | undefined) => void;
  /** Its heart has answered. */
  readonly onBeat: (heart: ProbeConnection) => void;
}

/**
 * Feeds the circuit: one loop that does one thing at a time, so that there is never more than one probe on its way.
 * Up: a heartbeat on a connection of its own. Suspect: a fresh probe decides. Lost: counted attempts by the schedule,
 * and between them the watcher, whose success is the next attempt.
 */
export class Monitor<C extends ProbeConnection = ProbeConnection> {
  readonly #deps: MonitorDeps<C>;
  #state: CircuitState;
  #heart: ProbeConnection | undefined;
  /** Whether it did not answer in time, be it lost by now or not, and nobody else has since. */
  #isHeartSilent = false;
  #wake = new AbortController();
  readonly #stopped = new AbortController();
  #latencyMs: number | undefined;
  #server: ServerFacts | undefined;
  #isStalled = false;
  #isChecking = false;

  constructor(deps: MonitorDeps<C>) {
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
      else if (state.name === "suspect") await this.#investigate(VERDICT_LIMIT_MS);
      else if (state.name === "up" || state.name === "read-only") await this.#beat(state);
      else break;
    }
    this.#deps.watcher.giveUp();
  }

  /** Tells it of a sign of trouble; never blocks. */
  trouble(error: DebyError): void {
    const tell = (): void => this.#dispatch({ type: "trouble", reason: reasonOf(error) });
    if (this.#deps.isBusy === undefined || !isSilence(error)) tell();
    else void this.#isExcused(error).then((isExcused) => isExcused || tell());
  }

  /** A statement or a heartbeat has waited too long: the server is asked, which by itself makes it no suspect. */
  stall(): void {
    // Whoever waits in an outage waits for what is being looked for already, and has nobody to ask afterwards.
    if (isWaiting(this.#state)) return;
    this.#isStalled = true;
    if (this.#isChecking) return;
    if (this.#state.name === "up" || this.#state.name === "read-only") this.#wake.abort();
  }

  /** No new requests from now on, no heartbeat, no attempt. */
  drain(): void {
    this.#stopped.abort();
    this.#dispatch({ type: "drain" });
  }

  /** Closes the heartbeat's connection politely. */
  async stopHeart(): Promise<void> {
    const heart = this.#heart;
    this.#heart = undefined;
    await heart?.close();
  }

  close(): void {
    this.#stopped.abort();
    this.#dispatch({ type: "close" });
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #beat(state: Extract<CircuitState, { name: "up" | "read-only" }>): Promise<void> {
    const { clock, settings } = this.#deps;
    const { reason } = state;
    const hasReason = reason !== undefined;
    const usualMs = this.#heart === undefined ? FIRST_BEAT_MS : settings.heartbeatIntervalMs;
    const pauseMs = hasReason ? this.#pauseWithReason(state, reason) : usualMs;
    if (this.#isStalled) return this.#checkStall();
    await sleep(clock, pauseMs, this.#wake.signal);
    if (this.#wake.signal.aborted || this.#isStopped || this.#state !== state) return;
    // What is wrong with new connections or the role is only seen by a new connection.
    if (hasReason || this.#heart === undefined || this.#heart.isLost) {
      await this.#investigate(VERDICT_LIMIT_MS);
      return;
    }
    const startedAt = clock.now();
    const limitMs = Math.min(settings.stallAfterMs, settings.heartbeatTimeoutMs);
    const heart = this.#heart;
    const beat = heart.control("select 1", startedAt + limitMs).then(
      () => {
        this.#latencyMs = clock.now() - startedAt;
        if (this.#heart === heart && this.#state === state) this.#deps.onBeat(heart);
      },
      async (error: DebyError) => {
        // Another has taken its place: a fresh probe has proven the server since.
        if (this.#heart !== heart || this.#isStopped) return;
        this.#isHeartSilent = isSilence(error);
        if (await this.#isExcused(error)) return;
        this.#deps.emitter.emit("heartbeatFailed", { reason: reasonOf(error) });
        if (isSilence(error)) this.stall();
        else this.trouble(error);
      },
    );
    // Trouble that is heard elsewhere meanwhile need not wait for a heart that may be frozen.
    await Promise.race([beat, sleep(clock, limitMs, this.#wake.signal)]);
  }

  #pauseWithReason({ name, since }: CircuitState, { code }: Reason): number {
    const { clock, watcher, settings } = this.#deps;
    const { retryIntervalMs, heartbeatIntervalMs } = settings;
    // Writes wait for a promotion as they wait for a server that is back.
    if (name === "read-only") return watcher.pauseMs(clock.now() - since);
    const isCostly = classifyConnectFailure(code) === "misconfigured";
    return Math.min(isCostly ? retryIntervalMs : REFUSED_PAUSE_MS, heartbeatIntervalMs);
  }

  async #checkStall(): Promise<void> {
    const { isBusy, checkStalls } = this.#deps;
    this.#isStalled = false;
    if (isBusy !== undefined && (await isBusy())) return;
    this.#isChecking = true;
    const probe = await this.#investigate(STALL_VERDICT_LIMIT_MS);
    if (probe !== undefined) {
      // Whoever is lost in the middle of it says so by itself.
      await checkStalls(probe, this.#wake.signal).catch(() => {});
      // Stalls that go on, as those of a deposed primary's COMMITs do, keep the next heartbeat away.
      if (this.#heart === probe) this.#deps.onBeat(probe);
    }
    this.#isChecking = false;
  }

  /**
   * A fresh probe decides whether the server is there, which is the heartbeat's connection from then on; where it fails,
   * a connection that we hold may vouch for it, as long as the pool has one: a server that only answers the heart serves
   * nobody.
   */
  async #investigate(limitMs: number): Promise<ProbeConnection | undefined> {
    const { clock, settings } = this.#deps;
    const limitAt = clock.now() + Math.min(limitMs, settings.connectTimeoutMs);
    const vouched = this.#anyAnswers(limitAt);
    try {
      const probe = await this.#deps.probe(limitAt, this.#stopped.signal);
      this.#adopt(probe);
      return probe;
    } catch (error) {
      // What keeps a session waiting is no outage: the server is as it was.
      if (await this.#isExcused(error)) {
        this.#dispatch({ type: "proven", isWritable: !this.#isReadOnly });
        return undefined;
      }
      const reason = reasonOf(error);
      this.#deps.watcher.note(error);
      // Whoever has vouched may be gone by now: a server that shuts down ends its sessions one after another.
      const failure = classifyConnectFailure(reason.code);
      const hasAnswered = await vouched;
      if (hasAnswered) this.#isHeartSilent = false;
      // A statement that takes its time cannot vouch, and is not to be ended because there is no room for others; but a
      // heart that was not cut and keeps silent says that the network has lost us.
      const isExcused = reason.code === FULL && !this.#isHeartSilent && this.#deps.poolIsAtWork();
      const isVouched = hasAnswered || isExcused;
      // A server that lives and has another role now is none of ours.
      const isAlive = isVouched && this.#deps.poolIsAlive() && failure !== "routing";
      if (isAlive || this.#isQueued(reason))
        this.#dispatch({ type: "refused-but-alive", reason, isWritable: !this.#isReadOnly });
      else this.#dispatch({ type: "failed", reason, failure });
      return undefined;
    }
  }

  /** A pooler lets us in even while all its servers are at work; a connection that was lost is another matter. */
  #isQueued({ code }: Reason): boolean {
    if (code !== UNANSWERED || !this.#deps.mayBeQueued()) return false;
    return this.#state.name !== "suspect" || this.#state.reason.code === UNANSWERED;
  }

  /** Whether a server that has not answered in time is known to be at work. */
  async #isExcused(error: unknown): Promise<boolean> {
    return isSilence(error) && ((await this.#deps.isBusy?.()) ?? false);
  }

  get #isReadOnly(): boolean {
    return this.#server !== undefined && !this.#deps.isWanted(this.#server);
  }

  /** Whether a connection that we hold answers: the server lives then, whatever becomes of new ones. */
  async #anyAnswers(deadlineAt: number): Promise<boolean> {
    const heart = this.#heart;
    const canAsk = heart !== undefined && !heart.isLost && !heart.isBusy;
    const asked = canAsk
      ? heart.control("select 1", deadlineAt).then(
          () => true,
          (error) => {
            if (this.#heart === heart) this.#isHeartSilent = isSilence(error);
            return false;
          },
        )
      : Promise.resolve(false);
    const [isHeartAlive, isPoolAlive] = await Promise.all([asked, this.#deps.poolAnswers(deadlineAt)]);
    return isHeartAlive || isPoolAlive;
  }

  /** Waits for the next counted attempt; a proven connection means that it begins now and has already succeeded. */
  async #watchUntilAttempt(state: WaitingState): Promise<C | undefined> {
    const { clock, watcher } = this.#deps;
    let lookedAt: number | undefined;
    while (!this.#isStopped && clock.now() < state.nextAttemptAt) {
      const now = clock.now();
      const ageMs = now - state.lostAt;
      const nextLookAt = lookedAt === undefined ? now + watcher.firstPauseMs(ageMs) : lookedAt + watcher.pauseMs(ageMs);
      // Where the server refuses us by name, every look is one more failed login: only the attempts go on.
      const until = state.name === "blocked" ? state.nextAttemptAt : Math.min(nextLookAt, state.nextAttemptAt);
      const late = await watcher.wait(until, this.#wake.signal);
      if (late) return late;
      if (this.#isStopped || clock.now() >= state.nextAttemptAt) break;
      if (state.name === "blocked") continue;
      lookedAt = clock.now();
      const connection = await watcher.look(state.nextAttemptAt, this.#stopped.signal);
      if (connection) return connection;
    }
    return undefined;
  }

  async #attempt(proven: C | undefined): Promise<void> {
    const { clock, emitter, settings, watcher } = this.#deps;
    if (this.#isStopped) {
      void proven?.close();
      return;
    }
    this.#dispatch({ type: "attempt-started" });
    const attempt = isWaiting(this.#state) ? this.#state.attempt : 0;
    const of = settings.retryAttempts;
    emitter.emit("attempt", { attempt, of });
    try {
      const connection = proven ?? (await this.#dial(clock.now() + settings.connectTimeoutMs));
      if (this.#isStopped) return void connection.close();
      emitter.emit("connected", connection.facts);
      this.#deps.giveToPool(connection);
      this.#prove(connection);
    } catch (error) {
      if (this.#isStopped) return;
      const reason = reasonOf(error);
      watcher.note(error);
      this.#dispatch({ type: "failed", reason, failure: classifyConnectFailure(reason.code) });
      const retryInMs = isWaiting(this.#state) ? this.#state.nextAttemptAt - clock.now() : 0;
      emitter.emit("attemptFailed", { attempt, of, reason, retryInMs });
    }
  }

  #dial(deadlineAt: number): Promise<C> {
    const mayLook = (): boolean => this.#state.name !== "blocked";
    const lostAt = isWaiting(this.#state) ? this.#state.lostAt : this.#deps.clock.now();
    return dialAndLook({ ...this.#deps, lostAt, mayLook }, deadlineAt, this.#stopped.signal);
  }

  /** Takes a proven connection as the heartbeat's and lets the circuit know what it proves. */
  #adopt(connection: ProbeConnection): void {
    if (this.#isStopped) {
      void connection.close();
      return;
    }
    void this.#heart?.close();
    this.#heart = connection;
    this.#isHeartSilent = false;
    connection.onLost = (error) => this.trouble(error);
    this.#prove(connection);
  }

  #prove(connection: ProbeConnection): void {
    const { facts } = connection;
    this.#server = facts;
    this.#deps.onProven(connection, "reason" in this.#state ? this.#state.reason : undefined);
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
    if (isWaiting(to) && !isWaiting(from)) {
      this.#dropHeart(to.reason);
      this.#isStalled = false;
    }
    onTransition(from, to);
    if (to.name !== from.name) emitter.emit("transition", { from, to });
    this.#wake.abort();
  }

  /** A connection older than the outage is not trusted with anything. */
  #dropHeart(reason: Reason | undefined): void {
    this.#heart?.destroy("DATABASE_UNAVAILABLE", reason?.message ?? "The database was lost");
    this.#heart = undefined;
    this.#isHeartSilent = false;
  }
}

/** A time limit has passed without an answer, as opposed to a connection that was closed or refused. */
function isSilence(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ETIMEDOUT" || code === "DEADLINE" || code === UNANSWERED;
}
