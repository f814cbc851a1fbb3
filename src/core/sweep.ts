import type { Clock, Timer } from "./clock.ts";

/** A tick that comes later than this was held up by our own event loop. */
const LATE_MS = 100;

/** Something that has to end by a moment. */
export interface Expiring {
  /** On the clock's scale, in milliseconds. May be changed while it is registered. */
  readonly deadlineAt: number;
  /** Called once, after the entry was taken out. */
  expire(): void;
}

/**
 * One coarse timer for all deadlines, so that a statement costs no timer of its own. It runs only while something is
 * registered; an entry expires at most one tick (default: 20 ms) after its deadline.
 */
export class DeadlineSweep {
  readonly #entries = new Set<Expiring>();
  readonly #clock: Clock;
  readonly #tickMs: number;
  #timer: Timer | undefined;
  #dueAt = 0;
  #wasLate = false;

  constructor(clock: Clock, options: { readonly tickMs?: number } = {}) {
    this.#clock = clock;
    this.#tickMs = options.tickMs ?? 20;
  }

  add(entry: Expiring): void {
    this.#entries.add(entry);
    if (this.#timer === undefined) this.#schedule();
  }

  delete(entry: Expiring): void {
    this.#entries.delete(entry);
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    // A late tick means that we were busy, not that nobody answered: what has arrived meanwhile is heard first. Only
    // once in a row, or a service that is always busy would have no deadlines.
    this.#wasLate = !this.#wasLate && now - this.#dueAt > LATE_MS;
    this.#schedule();
    if (this.#wasLate) return;
    for (const entry of this.#entries) {
      if (entry.deadlineAt > now) continue;
      this.#entries.delete(entry);
      entry.expire();
    }
    if (this.#entries.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  };

  #schedule(): void {
    this.#dueAt = this.#clock.now() + this.#tickMs;
    this.#timer = this.#clock.after(this.#tickMs, this.#tick);
  }
}
