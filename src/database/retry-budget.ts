import type { Clock } from "../core/clock.ts";

/** So many reads earn one repetition in the long run. */
const READS_PER_REPETITION = 10;
/** Repetitions that time adds, so that a quiet service may repeat as well. */
const REPETITIONS_PER_SECOND = 10;

/**
 * How many reads may be repeated, shared by all requests: enough for every connection to be lost several times, too
 * little to double the load on a server that is in trouble. Source: Finagle, RetryBudget.
 */
export class RetryBudget {
  readonly #clock: Clock;
  /** Both in reads. */
  readonly #capacity: number;
  #balance: number;
  #updatedAt: number;

  /** Begins full, with `capacity` repetitions. */
  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity * READS_PER_REPETITION;
    this.#balance = this.#capacity;
    this.#updatedAt = clock.now();
  }

  /** A read was asked for. */
  deposit(): void {
    this.#balance = Math.min(this.#capacity, this.#balance + 1);
  }

  /** Takes one repetition out; false when there is none. */
  tryWithdraw(): boolean {
    if (this.balance < 1) return false;
    this.#balance -= READS_PER_REPETITION;
    return true;
  }

  /** How many repetitions may be had at this moment. */
  get balance(): number {
    const now = this.#clock.now();
    const earned = ((now - this.#updatedAt) / 1000) * REPETITIONS_PER_SECOND * READS_PER_REPETITION;
    this.#balance = Math.min(this.#capacity, this.#balance + earned);
    this.#updatedAt = now;
    return this.#balance / READS_PER_REPETITION;
  }
}
