import type { Deadline } from "../core/deadline.ts";
import type { DeadlineSweep, Expiring } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";

interface Waiter<T> extends Expiring {
  readonly resolve: (value: T) => void;
  readonly reject: (error: DebyError) => void;
}

/** Those who wait for a connection, served in the order in which they came. */
export class Waiters<T> {
  // A Set keeps the order of arrival and lets anyone leave from the middle at no cost.
  readonly #queue = new Set<Waiter<T>>();
  readonly #sweep: DeadlineSweep;

  constructor(sweep: DeadlineSweep) {
    this.#sweep = sweep;
  }

  get size(): number {
    return this.#queue.size;
  }

  /**
   * Waits until `serve` gives it a value. Rejected with what `onExpired` makes when the deadline passes, and with
   * ABORTED when the signal says that the caller went away; either way it leaves the queue.
   */
  wait(deadline: Deadline, onExpired: () => DebyError): Promise<T> {
    const { signal } = deadline;
    if (signal?.aborted) return Promise.reject(abortedError());
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => leave(() => reject(abortedError()));
      const leave = (settle: () => void) => {
        this.#queue.delete(waiter);
        this.#sweep.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        settle();
      };
      const waiter: Waiter<T> = {
        deadlineAt: deadline.at,
        expire: () => leave(() => reject(onExpired())),
        resolve: (value) => leave(() => resolve(value)),
        reject: (error) => leave(() => reject(error)),
      };
      this.#queue.add(waiter);
      this.#sweep.add(waiter);
      signal?.addEventListener("abort", onAbort);
    });
  }

  /** Gives the value to the oldest; false when nobody waits. */
  serve(value: T): boolean {
    const [oldest] = this.#queue;
    oldest?.resolve(value);
    return oldest !== undefined;
  }

  /** Gives the value to everybody, in order. */
  serveAll(value: T): void {
    for (const waiter of [...this.#queue]) waiter.resolve(value);
  }

  /** Sends everybody away; returns how many. */
  rejectAll(makeError: () => DebyError): number {
    const everybody = [...this.#queue];
    for (const waiter of everybody) waiter.reject(makeError());
    return everybody.length;
  }
}

function abortedError(): DebyError {
  return new DebyError("ABORTED", "The caller went away while the statement waited for a connection");
}
