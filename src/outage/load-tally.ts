import { classify, type RequestClass } from "./ledger.ts";
import type { LiveLoad } from "./progress.ts";

/** How the requests fared so far; `waiting` for their answers. */
export type Tally = Readonly<Record<RequestClass | "waiting", number>>;

/** Counts a load while it is under way, and looks only at what may have changed since it was last asked. */
export class LoadTally {
  readonly #load: LiveLoad;
  readonly #ended = { ok: 0, held: 0, failedFast: 0, timedOut: 0, hung: 0 };
  /** Every entry before this one has ended and is counted in `#ended`. */
  #next = 0;

  constructor(load: LiveLoad) {
    this.#load = load;
  }

  count(): Tally {
    const { entries, requestTimeoutMs } = this.#load;
    for (let entry = entries[this.#next]; entry !== undefined && entry.ending !== "open"; entry = entries[this.#next]) {
      const requestClass = classify(entry, requestTimeoutMs);
      if (requestClass !== undefined) this.#ended[requestClass] += 1;
      this.#next += 1;
    }
    const tally = { ...this.#ended, waiting: 0 };
    for (let index = this.#next; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry?.ending === "open") tally.waiting += 1;
      const requestClass = entry === undefined ? undefined : classify(entry, requestTimeoutMs);
      if (requestClass !== undefined) tally[requestClass] += 1;
    }
    return tally;
  }

  /** What the server said of itself last. */
  circuit(): string | undefined {
    return this.#load.health.at(-1)?.state;
  }
}
