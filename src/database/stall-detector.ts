import type { Clock, Timer } from "../core/clock.ts";
import type { PooledConnection } from "./pool-types.ts";

/** How often it looks, in milliseconds, and how much of a pause counts: what is above is a stall of our own. */
const TICK_MS = 100;
const LARGEST_STEP_MS = 2 * TICK_MS;
/** A statement that was found at work is asked about again when it has waited twice as long, */
const PATIENCE = 2;
/** or so many times stall-after longer, for it may have been answered since. */
const LONGEST_PATIENCE = 4;

/** What it watches of a connection. */
export type WatchedConnection = Pick<
  PooledConnection,
  "isBusy" | "chunksReceived" | "unsentBytes" | "leasedAt" | "idleSince" | "lastAnswerAt"
>;

/** A connection whose statement waits for a byte of answer. */
export interface Stall<C> {
  readonly connection: C;
  /** What had arrived when it was first seen waiting; a single byte more, and the stall is over. */
  readonly mark: number;
  /** What was still to be sent then; a single byte less, and it is under way. */
  readonly unsentBytes: number;
  /** How long nothing has arrived, in milliseconds. */
  stalledMs: number;
  /** At which length the server is asked about it, the next time. */
  askAtMs: number;
  /** The server is to be asked. */
  isDue: boolean;
  /** The `stalledMs` at which its backend was first seen unable to send; undefined where it was not. */
  blockedSinceMs: number | undefined;
}

export interface StallDetectorDeps<C> {
  readonly clock: Clock;
  readonly stallAfterMs: number;
  /** All that there are, whether somebody holds them or not. */
  readonly connections: () => Iterable<C>;
  /** Whether somebody waits for a connection, or one is being opened. */
  readonly isWanted: () => boolean;
  /** Somebody waits for too long: `takeDue()` tells who, as far as they hold a connection. */
  readonly onStall: () => void;
}

/**
 * Finds statements that wait without a byte of answer, and a server that says nothing at all while it is waited for:
 * statements whose deadlines are shorter than stall-after end without having been found. It samples instead of timing each statement: a busy connection
 * on which nothing has arrived since the last look runs the same statement as then.
 */
export class StallDetector<C extends WatchedConnection> {
  readonly #deps: StallDetectorDeps<C>;
  readonly #tickMs: number;
  #stalls = new Map<C, Stall<C>>();
  #timer: Timer | undefined;
  #lookedAt = 0;
  /** For how long nothing has arrived on any connection although somebody waits. */
  #silentMs = 0;
  #isWaitedFor = false;
  #askAtMs: number;

  constructor(deps: StallDetectorDeps<C>) {
    this.#deps = deps;
    this.#tickMs = Math.min(TICK_MS, deps.stallAfterMs / 4);
    this.#askAtMs = deps.stallAfterMs;
  }

  start(): void {
    this.#lookedAt = this.#deps.clock.now();
    this.#timer = this.#deps.clock.after(this.#tickMs, () => {
      this.#look();
      if (this.#timer !== undefined) this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Whether somebody waits, and for less than so many milliseconds in which nothing has arrived on any connection. */
  isWaitedForLessThan(limitMs: number): boolean {
    return this.#isWaitedFor && this.#silentMs < limitMs;
  }

  /** Those that the server should be asked about now; each is told once, and again when it has lasted longer. */
  takeDue(): Stall<C>[] {
    const due = [...this.#stalls.values()].filter(({ isDue }) => isDue);
    for (const stall of due) stall.isDue = false;
    return due;
  }

  /** Whether still nothing has arrived for this statement. */
  isStalled({ connection, mark, unsentBytes }: Stall<C>): boolean {
    return connection.isBusy && connection.chunksReceived === mark && connection.unsentBytes === unsentBytes;
  }

  #look(): void {
    const { clock, stallAfterMs, connections, isWanted, onStall } = this.#deps;
    // While our own event loop stood still nothing could be heard: that time is not the server's.
    const now = clock.now();
    const stepMs = Math.min(now - this.#lookedAt, LARGEST_STEP_MS);
    let isAnyDue = false;
    let isAnyHeard = false;
    let isAnyBusy = false;
    const stalls = new Map<C, Stall<C>>();
    for (const connection of connections()) {
      const known = this.#stalls.get(connection);
      const isLeased = connection.leasedAt !== Number.POSITIVE_INFINITY;
      // What a resting connection answers to our own questions is no sign that statements are answered.
      isAnyHeard ||=
        (isLeased ? connection.lastAnswerAt : connection.idleSince) > this.#lookedAt ||
        (known?.mark ?? connection.chunksReceived) !== connection.chunksReceived;
      if (!connection.isBusy || !isLeased) continue;
      isAnyBusy = true;
      if (known === undefined || !this.isStalled(known)) {
        const sinceMs = now - Math.max(connection.leasedAt, connection.lastAnswerAt);
        stalls.set(connection, begin(connection, Math.min(sinceMs, stepMs), stallAfterMs));
        continue;
      }
      stalls.set(connection, known);
      known.stalledMs += stepMs;
      if (known.stalledMs < known.askAtMs) continue;
      known.askAtMs = nextAskMs(known.stalledMs, stallAfterMs);
      known.isDue = true;
      isAnyDue = true;
    }
    this.#stalls = stalls;
    this.#isWaitedFor = isAnyBusy || isWanted();
    const isSilent = !isAnyHeard && this.#isWaitedFor;
    if (this.#hearNothing(isSilent ? stepMs : undefined) || isAnyDue) {
      this.#askAtMs = Math.max(nextAskMs(this.#silentMs, stallAfterMs), stallAfterMs);
      onStall();
    }
  }

  /** Counts for how long the server has said nothing; whether it is to be asked why. */
  #hearNothing(stepMs: number | undefined): boolean {
    if (stepMs === undefined) {
      this.#silentMs = 0;
      this.#askAtMs = this.#deps.stallAfterMs;
      return false;
    }
    this.#silentMs += stepMs;
    return this.#silentMs >= this.#askAtMs;
  }
}

/** At which length of a stall, in milliseconds, the server is asked again about one that has lasted so long. */
export function nextAskMs(stalledMs: number, stallAfterMs: number): number {
  return Math.min(stalledMs * PATIENCE, stalledMs + LONGEST_PATIENCE * stallAfterMs);
}

function begin<C extends WatchedConnection>(connection: C, stalledMs: number, askAtMs: number): Stall<C> {
  const { chunksReceived: mark, unsentBytes } = connection;
  return { connection, mark, unsentBytes, stalledMs, askAtMs, isDue: false, blockedSinceMs: undefined };
}
