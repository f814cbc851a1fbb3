import type { PoolSettings } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { ProbeConnection } from "./monitor.ts";
import { codeOf } from "./sqlstate.ts";

/** After so long of "not now" answers the watcher becomes patient. */
const PATIENCE_AFTER_MS = 5000;
const PATIENT_PAUSE_MS = 250;
const MIN_LOOK_MS = 500;
/** A look may last so many times as long as the last good handshake. */
const PATIENCE_FACTOR = 10;
/**
 * Dials of one host that may be unanswered at the same time: the oldest, which has all of connect-timeout, and the two
 * newest. What is lost on the way is sent again after a second, a frozen server that goes on reads what has arrived, and
 * one that is just back may take seconds for a login: a dial that is given up early is blind to all three. Source: RFC
 * 6298, section 2.
 */
const MAX_UNANSWERED = 3;
/** The shortest pause is drawn from around it. */
const JITTER = 0.1;
/**
 * A server that says that it starts is seldom away for long: the pause is so much shorter until patience sets in. Not in
 * the first seconds of an outage, nor where the pause is at its longest: then it is what keeps the dials within bounds.
 */
const STARTING_PART = 0.5;
const STARTING_FROM_MS = 5000;
/**
 * Most starts are over soon after it has first said so: from then on the pause grows with the age of the start, as it does
 * with that of the outage, which adds some ten dials to a start. At a server that starts again and again it does not pay.
 */
const START_RATIO = 0.25;
const START_MIN_PART = 0.2;
const MAX_QUICK_STARTS = 3;
/** All others are up to this part shorter than their measure, which is what recovery is promised by. */
const EARLY = 0.2;

const STARTING = "57P03";
const NOT_NOW = new Set([STARTING, "53300"]);

/** What is needed of a connection that a look may bring. */
export type Answered = Pick<ProbeConnection, "destroy" | "isLost">;

export interface WatcherDeps<C extends Answered = ProbeConnection> {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Pick<PoolSettings, "watchRatio" | "watchMinMs" | "watchMaxMs" | "connectTimeoutMs">;
  /** A whole handshake and a query that proves the server; where nobody listens, a bare TCP connect is all there is. */
  readonly connect: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  /** A dial of several hosts is a search, of which there is one at a time. */
  readonly areSeveralHosts: boolean;
}

/**
 * Looks quietly for the server between the counted attempts, the more seldom the longer the outage lasts: the pause is
 * a part of the outage's age, so that recovery is noticed within a fixed proportion of it at a bounded number of dials.
 */
export class Watcher<C extends Answered = ProbeConnection> {
  readonly #deps: WatcherDeps<C>;
  /** On their way, the oldest first. */
  readonly #dials = new Set<AbortController>();
  #newest: AbortController | undefined;
  #found: C | undefined;
  #onFound: () => void = () => {};
  #notNowSince: number | undefined;
  #startingSince: number | undefined;
  /** How many there were since the server was last there. */
  #starts = 0;
  #lastHandshakeMs = 0;

  constructor(deps: WatcherDeps<C>) {
    this.#deps = deps;
  }

  /** Milliseconds from one look to the next at an outage of this age. */
  pauseMs(outageAgeMs: number): number {
    const { random, settings } = this.#deps;
    const { watchRatio, watchMinMs, watchMaxMs } = settings;
    const isPatient = this.#agedMs(this.#notNowSince) >= PATIENCE_AFTER_MS;
    const shortest = isPatient ? Math.max(watchMinMs, PATIENT_PAUSE_MS) : watchMinMs;
    const drawn = random();
    const measure = watchRatio * outageAgeMs;
    const limit = Math.max(watchMaxMs, shortest);
    const isStarting = this.#startingSince !== undefined && outageAgeMs >= STARTING_FROM_MS;
    const isSoon = isStarting && !isPatient && measure < limit;
    const longest = Math.min(isSoon ? STARTING_PART * measure : measure, limit);
    const pauseMs = Math.max(
      jittered(shortest, JITTER, () => drawn),
      longest * (1 - EARLY * drawn),
    );
    if (!isSoon || this.#deps.areSeveralHosts || this.#starts > MAX_QUICK_STARTS) return pauseMs;
    const quickMs = Math.max(START_MIN_PART * watchMinMs, START_RATIO * this.#agedMs(this.#startingSince));
    return Math.min(pauseMs, quickMs);
  }

  #agedMs(since: number | undefined): number {
    return since === undefined ? 0 : this.#deps.clock.now() - since;
  }

  /** The same after a counted attempt, spread out: all who lost a server together make their attempts together, too. */
  firstPauseMs(outageAgeMs: number): number {
    return this.#deps.random() * this.pauseMs(outageAgeMs);
  }

  /**
   * Dials. A proven connection, or undefined when the server is not there yet or the signal says that it is not wanted.
   * What is not answered in time may stay on its way beside later ones, up to connect-timeout. So one host needs a third
   * of the patience for each: a dial that was swallowed keeps the next one waiting, which would be answered.
   */
  async look(deadlineAt: number, signal: AbortSignal): Promise<C | undefined> {
    const { clock, areSeveralHosts, settings } = this.#deps;
    const patienceMs = (PATIENCE_FACTOR * this.#lastHandshakeMs) / (areSeveralHosts ? 1 : MAX_UNANSWERED);
    const limitMs = Math.min(Math.max(patienceMs, MIN_LOOK_MS), settings.connectTimeoutMs);
    const limitAt = Math.min(clock.now() + limitMs, deadlineAt);
    const failed = this.#dial(areSeveralHosts ? limitAt : clock.now() + settings.connectTimeoutMs, signal);
    return await this.wait(limitAt, AbortSignal.any([failed, signal]));
  }

  /** Waits until this moment; a connection where an earlier look is answered by then. */
  async wait(until: number, signal: AbortSignal): Promise<C | undefined> {
    const { clock } = this.#deps;
    const over = new AbortController();
    this.#onFound = () => over.abort();
    if (this.#found === undefined) await sleep(clock, until - clock.now(), AbortSignal.any([over.signal, signal]));
    const found = this.#found;
    this.#found = undefined;
    return found?.isLost ? undefined : found;
  }

  /** What is on its way is not wanted any more. */
  giveUp(): void {
    for (const dial of this.#dials) dial.abort();
    this.#dials.clear();
    this.#found?.destroy("DATABASE_UNAVAILABLE", "The connection came too late");
    this.#found = undefined;
  }

  /** Returns what says that it has failed. */
  #dial(deadlineAt: number, signal: AbortSignal): AbortSignal {
    const [, secondOldest] = this.#dials;
    if (secondOldest !== undefined && this.#dials.size >= MAX_UNANSWERED) {
      this.#dials.delete(secondOldest);
      secondOldest.abort();
    }
    const dial = new AbortController();
    const failed = new AbortController();
    this.#dials.add(dial);
    this.#newest = dial;
    this.#deps.connect(deadlineAt, AbortSignal.any([dial.signal, signal])).then(
      (connection) => {
        if (!this.#dials.delete(dial) || signal.aborted || this.#found !== undefined) {
          connection.destroy("DATABASE_UNAVAILABLE", "Another was faster");
          return;
        }
        this.#found = connection;
        this.#onFound();
      },
      (error) => {
        if (!this.#dials.delete(dial) || signal.aborted) return;
        // An older one tells of a time that is past.
        if (this.#newest === dial) this.note(error);
        failed.abort();
      },
    );
    return failed.signal;
  }

  /** Tells it how a dial ended that somebody else made. */
  note(error: unknown): void {
    const code = codeOf(error);
    const now = this.#deps.clock.now();
    if (code === STARTING && this.#startingSince === undefined) this.#starts += 1;
    this.#startingSince = code === STARTING ? (this.#startingSince ?? now) : undefined;
    this.#notNowSince = NOT_NOW.has(code) ? (this.#notNowSince ?? now) : undefined;
  }

  /** The server is there. Tells it how long a good handshake takes, in milliseconds. */
  noteHandshake(durationMs: number): void {
    this.giveUp();
    this.#lastHandshakeMs = durationMs;
    this.#notNowSince = undefined;
    this.#startingSince = undefined;
    this.#starts = 0;
  }
}
