import type { Clock, Timer } from "./clock.ts";

/** A tick that comes later than this was held up by our own event loop. */
const LATE_MS = 100;

/** Something with deadlines of its own. */
export interface Sweepable {
  /**
   * Ends what is due by `now`, which is on the clock's scale, in milliseconds.
   * Returns whether it wants to be called again; otherwise it is taken out.
   */
  sweep(now: number): boolean;
}

/**
 * One coarse timer for all deadlines, so that a statement costs no timer of its own. It runs only while something is
 * registered; a deadline is noticed at most one tick (default: 20 ms) late. Whoever has nothing to wait for any more may
 * stay until the next tick: registering again is cheap then, and nothing has to be taken out.
 */
export class DeadlineSweep {
  readonly #entries = new Set<Sweepable>();
  readonly #clock: Clock;
  readonly #tickMs: number;
  #timer: Timer | undefined;
  #dueAt = 0;
  #wasLate = false;

  constructor(clock: Clock, options: { readonly tickMs?: number } = {}) {
    this.#clock = clock;
    this.#tickMs = options.tickMs ?? 20;
  }

  /** Registers something, and brings `now` up to date where nothing was. */
  add(entry: Sweepable): void {
    this.#entries.add(entry);
    if (this.#timer === undefined) this.#schedule();
  }

  /** The clock's time, a tick old at most while something is registered: looking at the clock itself costs more. */
  get now(): number {
    return this.#dueAt - this.#tickMs;
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    // A late tick means that we were busy, not that nobody answered: what has arrived meanwhile is heard first. Only
    // once in a row, or a service that is always busy would have no deadlines.
    this.#wasLate = !this.#wasLate && now - this.#dueAt > LATE_MS;
    this.#schedule();
    if (this.#wasLate) return;
    for (const entry of this.#entries) if (!entry.sweep(now)) this.#entries.delete(entry);
    if (this.#entries.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  };

  #schedule(): void {
    this.#dueAt = this.#clock.now() + this.#tickMs;
    this.#timer = this.#clock.after(this.#tickMs, this.#tick);
  }
}
