import type { Deadline } from "../core/deadline.ts";
import type { DeadlineSweep, Sweepable } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";

/**
 * One who waits, as a link of the queue. Many come and go in each second of a busy service, so it has no closures, and
 * leaves from the middle without a search.
 */
class Waiter<T> implements EventListenerObject {
  before: Waiter<T> | undefined;
  after: Waiter<T> | undefined;
  readonly expiresAt: number;
  readonly #queue: Waiters<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: DebyError) => void;
  readonly #onExpired: () => DebyError;

  constructor(
    queue: Waiters<T>,
    { at, signal }: { readonly at: number; readonly signal: AbortSignal | undefined },
    end: { resolve: (value: T) => void; reject: (error: DebyError) => void; onExpired: () => DebyError },
  ) {
    this.#queue = queue;
    this.expiresAt = at;
    this.#signal = signal;
    this.#resolve = end.resolve;
    this.#reject = end.reject;
    this.#onExpired = end.onExpired;
    signal?.addEventListener("abort", this);
  }

  resolve(value: T): void {
    this.#leave();
    this.#resolve(value);
  }

  reject(error: DebyError): void {
    this.#leave();
    this.#reject(error);
  }

  expire(): void {
    this.reject(this.#onExpired());
  }

  /** The signal calls this when the caller goes away. */
  handleEvent(): void {
    this.reject(abortedError());
  }

  #leave(): void {
    this.#queue.remove(this);
    this.#signal?.removeEventListener("abort", this);
  }
}

/** Those who wait for a connection, served in the order in which they came. */
export class Waiters<T> implements Sweepable {
  readonly #sweep: DeadlineSweep;
  #oldest: Waiter<T> | undefined;
  #newest: Waiter<T> | undefined;
  #size = 0;

  constructor(sweep: DeadlineSweep) {
    this.#sweep = sweep;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Waits until `serve` gives it a value. Rejected with what `onExpired` makes when the deadline passes, and with
   * ABORTED when the signal says that the caller went away; either way it leaves the queue. `latestAt` counts where it
   * is earlier than the deadline.
   */
  wait({ at, signal }: Deadline, onExpired: () => DebyError, latestAt = Number.POSITIVE_INFINITY): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedError());
    return new Promise<T>((resolve, reject) => {
      const waiter = new Waiter<T>(this, { at: Math.min(at, latestAt), signal }, { resolve, reject, onExpired });
      waiter.before = this.#newest;
      if (this.#newest === undefined) this.#oldest = waiter;
      else this.#newest.after = waiter;
      this.#newest = waiter;
      this.#size += 1;
      if (this.#size === 1) this.#sweep.add(this);
    });
  }

  /** Gives the value to the oldest; false when nobody waits. */
  serve(value: T): boolean {
    const oldest = this.#oldest;
    oldest?.resolve(value);
    return oldest !== undefined;
  }

  /** Gives the value to everybody, in order. */
  serveAll(value: T): void {
    for (const waiter of this.#everybody()) waiter.resolve(value);
  }

  /** Sends everybody away; returns how many. */
  rejectAll(makeError: () => DebyError): number {
    const everybody = this.#everybody();
    for (const waiter of everybody) waiter.reject(makeError());
    return everybody.length;
  }

  sweep(now: number): boolean {
    for (const waiter of this.#everybody()) if (waiter.expiresAt <= now) waiter.expire();
    return this.#size > 0;
  }

  /** For the waiter itself. */
  remove(waiter: Waiter<T>): void {
    const { before, after } = waiter;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    this.#size -= 1;
  }

  #everybody(): Waiter<T>[] {
    const everybody: Waiter<T>[] = [];
    for (let waiter = this.#oldest; waiter !== undefined; waiter = waiter.after) everybody.push(waiter);
    return everybody;
  }
}

function abortedError(): DebyError {
  return new DebyError("ABORTED", "The caller went away while the statement waited for a connection");
}
