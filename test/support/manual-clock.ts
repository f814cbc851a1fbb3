import type { Clock, Timer } from "../../src/core/clock.ts";

interface PendingTimer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that stands still until a test moves it; `now()` starts at 0, `date()` at 2026-01-01T00:00:00.000Z. */
export class ManualClock implements Clock {
  readonly #startedAt: number;
  readonly #timers = new Set<PendingTimer>();
  #now = 0;
  #order = 0;

  constructor(startedAt = new Date("2026-01-01T00:00:00.000Z")) {
    this.#startedAt = startedAt.getTime();
  }

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#startedAt + this.#now);
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; undefined when none waits. */
  get nextInMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.dueAt - this.#now;
  }

  /**
   * Moves time on, and calls what falls due in order of its time, then of its making, timers made meanwhile included.
   * Before, between and after, everything that waits only for promises runs as far as it can.
   */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settle();
    for (let timer = this.#next(); timer !== undefined && timer.dueAt <= until; timer = this.#next()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.callback();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
  }

  /** Time passes while nothing runs, as when an event loop is blocked; what falls due comes late, at the next advance. */
  stall(byMs: number): void {
    this.#now += byMs;
  }

  #next(): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Resolves when every promise that waits for nothing but other promises has moved on; no time passes. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
