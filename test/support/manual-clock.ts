import type { Clock, Timer } from "../../src/core/clock.ts";

interface PendingTimer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
  /** Its place among those that wait; NONE when it does not. */
  position: number;
}

const NONE = -1;

/** A binary heap, the one that is due first on top: hundreds of clients have thousands of timers on one clock. */
class PendingTimers {
  readonly #heap: PendingTimer[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get first(): PendingTimer | undefined {
    return this.#heap[0];
  }

  add(timer: PendingTimer): void {
    this.#heap.push(timer);
    this.#rise(timer, this.#heap.length - 1);
  }

  delete(timer: PendingTimer): void {
    const { position } = timer;
    if (position === NONE) return;
    timer.position = NONE;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    this.#sink(last, position);
    this.#rise(last, last.position);
  }

  #rise(timer: PendingTimer, from: number): void {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, timer)) break;
      this.#put(parent, position);
      position = above;
    }
    this.#put(timer, position);
  }

  #sink(timer: PendingTimer, from: number): void {
    let position = from;
    for (;;) {
      const left = 2 * position + 1;
      const child = earlier(this.#heap[left], this.#heap[left + 1]);
      if (child === undefined || isBefore(timer, child)) break;
      const { position: below } = child;
      this.#put(child, position);
      position = below;
    }
    this.#put(timer, position);
  }

  #put(timer: PendingTimer, position: number): void {
    this.#heap[position] = timer;
    timer.position = position;
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

function earlier(left: PendingTimer | undefined, right: PendingTimer | undefined): PendingTimer | undefined {
  return left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
}

/** Time that stands still until a test moves it; `now()` starts at 0, `date()` at 2026-01-01T00:00:00.000Z. */
export class ManualClock implements Clock {
  readonly #startedAt: number;
  readonly #timers = new PendingTimers();
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
    const timer = { dueAt: this.#now + Math.max(0, delayMs), order: this.#order++, callback, position: NONE };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; undefined when none waits. */
  get nextInMs(): number | undefined {
    const next = this.#timers.first;
    return next === undefined ? undefined : next.dueAt - this.#now;
  }

  /**
   * Moves time on, and calls what falls due in order of its time, then of its making, timers made meanwhile included.
   * Before, between and after, everything that waits only for promises runs as far as it can.
   */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settle();
    for (let timer = this.#timers.first; timer !== undefined && timer.dueAt <= until; timer = this.#timers.first) {
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
}

/** Resolves when every promise that waits for nothing but other promises has moved on; no time passes. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
