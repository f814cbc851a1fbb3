import type { PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { Connection } from "./connection.ts";
import { codeOf } from "./sqlstate.ts";

/** After so long of "not now" answers the watcher becomes patient. */
const PATIENCE_AFTER_MS = 5000;
const PATIENT_PAUSE_MS = 250;
const MIN_LOOK_MS = 500;
/** The shortest pause is drawn from around it. */
const JITTER = 0.1;
/** All others are up to this part shorter than their measure, which is what recovery is promised by. */
const EARLY = 0.2;

/** Nothing listens there: a bare TCP connect is enough to learn that this has changed. */
const NOBODY_LISTENS = new Set(["ECONNREFUSED", "ENOENT"]);
const NOT_NOW = new Set(["57P03", "53300"]);

export interface WatcherDeps<C = Connection> {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Pick<PoolSettings, "watchRatio" | "watchMinMs" | "watchMaxMs" | "connectTimeoutMs">;
  /** A whole handshake and a query that proves the server; rejects when there is none. */
  readonly connect: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  /** A bare TCP connect; rejects when nobody listens. */
  readonly knock: (deadlineAt: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Looks quietly for the server between the counted attempts, the more seldom the longer the outage lasts: the pause is
 * a part of the outage's age, so that recovery is noticed within a fixed proportion of it at a bounded number of dials.
 */
export class Watcher<C = Connection> {
  readonly #deps: WatcherDeps<C>;
  #lastCode = "";
  #notNowSince: number | undefined;
  #lastHandshakeMs = 0;

  constructor(deps: WatcherDeps<C>) {
    this.#deps = deps;
  }

  /** Milliseconds until the next look at an outage of this age. */
  pauseMs(outageAgeMs: number): number {
    const { clock, random, settings } = this.#deps;
    const { watchRatio, watchMinMs, watchMaxMs } = settings;
    const isPatient = this.#notNowSince !== undefined && clock.now() - this.#notNowSince >= PATIENCE_AFTER_MS;
    const shortest = isPatient ? Math.max(watchMinMs, PATIENT_PAUSE_MS) : watchMinMs;
    const drawn = random();
    const longest = Math.min(watchRatio * outageAgeMs, Math.max(watchMaxMs, shortest));
    return Math.max(
      jittered(shortest, JITTER, () => drawn),
      longest * (1 - EARLY * drawn),
    );
  }

  /** The same after a counted attempt, spread out: all who lost a server together make their attempts together, too. */
  firstPauseMs(outageAgeMs: number): number {
    return this.#deps.random() * this.pauseMs(outageAgeMs);
  }

  /** A proven connection, or undefined when the server is not there yet or the signal says that it is not wanted. */
  async look(deadlineAt: number, signal: AbortSignal): Promise<C | undefined> {
    const { clock, connect, knock, settings } = this.#deps;
    const limitMs = Math.min(Math.max(10 * this.#lastHandshakeMs, MIN_LOOK_MS), settings.connectTimeoutMs);
    const limitAt = Math.min(clock.now() + limitMs, deadlineAt);
    let isSomebodyThere = false;
    try {
      if (NOBODY_LISTENS.has(this.#lastCode)) {
        await knock(limitAt, signal);
        isSomebodyThere = true;
      }
      const connection = await connect(limitAt, signal);
      this.#lastCode = "";
      return connection;
    } catch (error) {
      if (!signal.aborted) this.note(error);
      // Where several answer at one address, one may listen and the other not: no look costs two dials again.
      if (isSomebodyThere) this.#lastCode = "";
      return undefined;
    }
  }

  /** Tells it how a dial ended that somebody else made. */
  note(error: unknown): void {
    this.#lastCode = codeOf(error);
    this.#notNowSince = NOT_NOW.has(this.#lastCode) ? (this.#notNowSince ?? this.#deps.clock.now()) : undefined;
  }

  /** Tells it how long a good handshake takes, in milliseconds. */
  noteHandshake(durationMs: number): void {
    this.#lastHandshakeMs = durationMs;
    this.#lastCode = "";
    this.#notNowSince = undefined;
  }
}
