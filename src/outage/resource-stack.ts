import type { Clock } from "../core/clock.ts";

/** What could not be undone, and why. */
export interface CleanUpFailure {
  readonly what: string;
  readonly reason: string;
}

export interface Resource {
  /** In words, for the message when it could not be removed: "the container deby-outage-1". */
  readonly what: string;
  /** Longest time for removing it, in milliseconds. */
  readonly limitMs: number;
  readonly remove: () => Promise<void>;
}

/**
 * Removes what a run made, the last first, whatever happens to the others: one that cannot be removed, or not in
 * time, is written down and the rest still goes. Register a resource before it is made, so that no moment is left in
 * which it exists and nobody knows of it.
 */
export class ResourceStack implements AsyncDisposable {
  readonly failures: CleanUpFailure[] = [];
  readonly #stack = new AsyncDisposableStack();
  readonly #clock: Clock;
  #isEmpty = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is nothing to remove. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  add({ what, limitMs, remove }: Resource): void {
    this.#isEmpty = false;
    this.#stack.defer(async () => {
      try {
        await this.#within(limitMs, remove());
      } catch (error) {
        this.failures.push({ what, reason: error instanceof Error ? error.message : String(error) });
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  #within(limitMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(limitMs, () => reject(new Error(`Not done within ${limitMs} ms`)));
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}
