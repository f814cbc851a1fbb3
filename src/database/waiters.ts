import { type Deadline, signalOf } from "../core/deadline.ts";
import type { DeadlineSweep, Sweepable } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";

/**
 * One who waits, as a link of the queue: many come and go in each second of a busy service, so that a waiter has no
 * closures of its own, and leaves from the middle without a search.
 */
export abstract class Waiter<T> implements EventListenerObject {
  /** Set by the queue while it waits there. */
  before: Waiter<T> | undefined;
  after: Waiter<T> | undefined;
  queue: Waiters<T> | undefined;
  expiresAt = Number.POSITIVE_INFINITY;
  signal: AbortSignal | undefined;
  /** Whose signal is still to be made, should it wait for long. */
  deadline: Deadline | undefined;
  /** It has waited since the last tick at least. */
  isOld = false;

  /** It has what it waited for. */
  abstract served(value: T): void;
  /** It waits no longer, and gets nothing. */
  abstract refused(error: DebyError): void;

  /** The signal calls this when the caller goes away. */
  handleEvent(): void {
    this.queue?.remove(this);
    this.refused(abortedError());
  }
}

class PromiseWaiter<T> extends Waiter<T> {
  readonly served: (value: T) => void;
  readonly refused: (error: DebyError) => void;

  constructor(resolve: (value: T) => void, reject: (error: DebyError) => void) {
    super();
    this.served = resolve;
    this.refused = reject;
  }
}

/** Those who wait for a connection, served in the order in which they came. */
export class Waiters<T> implements Sweepable {
  readonly #sweep: DeadlineSweep;
  readonly #expiredError: () => DebyError;
  #oldest: Waiter<T> | undefined;
  #newest: Waiter<T> | undefined;
  #size = 0;

  /** `expiredError` is what those get whose time to wait is over. */
  constructor(sweep: DeadlineSweep, expiredError: () => DebyError) {
    this.#sweep = sweep;
    this.#expiredError = expiredError;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Waits until `serve` gives it a value. Rejected with what `expiredError` makes when the deadline passes, and with
   * ABORTED when the signal says that the caller went away; either way it leaves the queue. `latestAt` counts where it
   * is earlier than the deadline.
   */
  wait(deadline: Deadline, latestAt = Number.POSITIVE_INFINITY): Promise<T> {
    return new Promise<T>((resolve, reject) => this.add(new PromiseWaiter<T>(resolve, reject), deadline, latestAt));
  }

  /** The same for a waiter that is none of a promise's. */
  add(waiter: Waiter<T>, deadline: Deadline, latestAt: number): void {
    const { at, signal } = deadline;
    if (signal?.aborted) {
      waiter.refused(abortedError());
      return;
    }
    listen(waiter, signal);
    waiter.deadline = deadline;
    waiter.isOld = false;
    waiter.expiresAt = Math.min(at, latestAt);
    waiter.queue = this;
    waiter.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = waiter;
    else this.#newest.after = waiter;
    this.#newest = waiter;
    this.#size += 1;
    if (this.#size === 1) this.#sweep.add(this);
  }

  /** Gives the value to the oldest whose time is not over at this moment; false when nobody waits. */
  serve(value: T, now: number): boolean {
    for (let oldest = this.#oldest; oldest !== undefined; oldest = this.#oldest) {
      if (oldest.expiresAt <= now) {
        this.#refuse(oldest, this.#expiredError());
        continue;
      }
      this.remove(oldest);
      oldest.served(value);
      return true;
    }
    return false;
  }

  /** Gives the value to everybody, in order. */
  serveAll(value: T): void {
    for (const waiter of this.#everybody()) {
      if (waiter.queue !== this) continue;
      this.remove(waiter);
      waiter.served(value);
    }
  }

  /** Sends everybody away; returns how many. */
  rejectAll(makeError: () => DebyError): number {
    const everybody = this.#everybody();
    for (const waiter of everybody) this.#refuse(waiter, makeError());
    return everybody.length;
  }

  sweep(now: number): boolean {
    for (const waiter of this.#everybody()) {
      if (waiter.expiresAt <= now) this.#refuse(waiter, this.#expiredError());
      else if (waiter.isOld) this.#listenLate(waiter);
      waiter.isOld = true;
    }
    return this.#size > 0;
  }

  /** Takes one out who is in this queue. */
  remove(waiter: Waiter<T>): void {
    const { before, after } = waiter;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    waiter.before = undefined;
    waiter.after = undefined;
    waiter.queue = undefined;
    waiter.signal?.removeEventListener("abort", waiter);
    waiter.signal = undefined;
    waiter.deadline = undefined;
    this.#size -= 1;
  }

  /** Most are served within a tick, and need no signal. */
  #listenLate(waiter: Waiter<T>): void {
    if (waiter.queue !== this || waiter.signal !== undefined) return;
    const signal = waiter.deadline && signalOf(waiter.deadline);
    if (signal?.aborted) this.#refuse(waiter, abortedError());
    else listen(waiter, signal);
  }

  #refuse(waiter: Waiter<T>, error: DebyError): void {
    // Whoever was told first may have sent others away.
    if (waiter.queue !== this) return;
    this.remove(waiter);
    waiter.refused(error);
  }

  #everybody(): Waiter<T>[] {
    const everybody: Waiter<T>[] = [];
    for (let waiter = this.#oldest; waiter !== undefined; waiter = waiter.after) everybody.push(waiter);
    return everybody;
  }
}

function listen<T>(waiter: Waiter<T>, signal: AbortSignal | undefined): void {
  signal?.addEventListener("abort", waiter);
  waiter.signal = signal;
}

function abortedError(): DebyError {
  return new DebyError("ABORTED", "The caller went away while the statement waited for a connection");
}

/** The error for whoever waits or comes while the service ends. */
export function shuttingDown(): DebyError {
  return new DebyError("SHUTTING_DOWN", "The server is shutting down and takes no new statements");
}
