import type { Clock, Timer } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { DebyError } from "../errors.ts";

/** Connections being opened at once while a pool fills. */
const MAX_OPENING = 4;
/**
 * As long as none is open, and twice as many as are open from then on: a server that is just back has its processors
 * for the first requests, too, and one dial that is lost on the way keeps nobody.
 */
const MIN_OPENING = 2;
/** Pause after a connection could not be opened while others work, so that a full server is not hammered. */
const FAILURE_PAUSE_MS = 500;
/** The same while there are none, so that those who wait have nobody else; doubled by each further failure in a row. */
const ALONE_PAUSE_MS = 50;

export interface OpenerDeps<C> {
  readonly clock: Clock;
  readonly random: Random;
  readonly connectTimeoutMs: number;
  /** Opens one physical connection by the deadline; the signal says that nobody wants it any more. */
  readonly open: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  readonly onOpened: (connection: C) => void;
  readonly onFailed: (error: DebyError) => void;
  /** Called when the shorter pause after a failure is over, or what `wakeIn` was told. */
  readonly onMayOpen: () => void;
  /** For a connection that comes when it is not wanted any more. */
  readonly discard: (connection: C) => void;
}

interface Opening {
  readonly startedAt: number;
  readonly unwanted: AbortController;
}

/** Opens connections at a pace that a server can bear; whatever is on its way can be given up at once. */
export class Opener<C> {
  readonly #deps: OpenerDeps<C>;
  readonly #openings = new Set<Opening>();
  /** The last one. */
  #failed:
    | { readonly at: number; readonly pauseMs: number; readonly aloneMs: number; readonly timer: Timer }
    | undefined;
  #failuresInRow = 0;
  #waking: Timer | undefined;

  constructor(deps: OpenerDeps<C>) {
    this.#deps = deps;
  }

  /** How many are on their way. */
  get opening(): number {
    return this.#openings.size;
  }

  /** Whether one more may be begun, where so many are open. */
  canOpen(open: number): boolean {
    if (this.#openings.size >= Math.min(MAX_OPENING, Math.max(MIN_OPENING, 2 * open))) return false;
    if (this.#failed === undefined) return true;
    const { at, pauseMs, aloneMs } = this.#failed;
    return this.#deps.clock.now() - at >= (open === 0 ? aloneMs : pauseMs);
  }

  /** Begins to open one. */
  start(): void {
    const opening = { startedAt: this.#deps.clock.now(), unwanted: new AbortController() };
    this.#openings.add(opening);
    void this.#open(opening);
  }

  /** Has `onMayOpen` called after so many milliseconds, in place of what this was told before. */
  wakeIn(delayMs: number): void {
    const { clock, onMayOpen } = this.#deps;
    this.#waking?.cancel();
    this.#waking = clock.after(delayMs, onMayOpen);
  }

  /** Gives up what is on its way, and forgets that anything failed. */
  reset(): void {
    this.giveUp(Number.POSITIVE_INFINITY);
    this.#waking?.cancel();
    this.#failed?.timer.cancel();
    this.#failed = undefined;
    this.#failuresInRow = 0;
  }

  /** Gives up what is on its way since this moment or longer. */
  giveUp(startedBy: number): void {
    for (const opening of this.#openings) {
      if (opening.startedAt > startedBy) continue;
      this.#openings.delete(opening);
      opening.unwanted.abort();
    }
  }

  #noteFailure(): void {
    const { clock, random, onMayOpen } = this.#deps;
    this.#failed?.timer.cancel();
    // In whole milliseconds, as timers count: one that fires a little too early finds nothing that may be opened.
    const pauseMs = Math.ceil(jittered(FAILURE_PAUSE_MS, 0.2, random));
    const aloneMs = Math.min(ALONE_PAUSE_MS * 2 ** this.#failuresInRow, pauseMs);
    this.#failuresInRow += 1;
    this.#failed = { at: clock.now(), pauseMs, aloneMs, timer: clock.after(aloneMs, onMayOpen) };
  }

  async #open(opening: Opening): Promise<void> {
    const { clock, connectTimeoutMs, open, onOpened, onFailed, discard } = this.#deps;
    const { signal } = opening.unwanted;
    try {
      const connection = await open(clock.now() + connectTimeoutMs, signal);
      if (signal.aborted) return discard(connection);
      this.#openings.delete(opening);
      this.#failuresInRow = 0;
      onOpened(connection);
    } catch (error) {
      if (signal.aborted) return;
      this.#openings.delete(opening);
      this.#noteFailure();
      onFailed(error as DebyError);
    }
  }
}
