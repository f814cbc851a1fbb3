import type { Clock } from "../core/clock.ts";
import { type Deadline, signalOf } from "../core/deadline.ts";
import { within } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import type { ScopedKey } from "./outcome-table.ts";

const RETRY_AFTER_MS = 1000;
/** Whoever has less time left could not take the key any more before his deadline, in milliseconds. */
const LEAST_TIME_MS = 100;

/** What a run of `once` gave: the stored JSON, and whether it was an earlier run's. */
export interface OnceResult {
  readonly result: string | null;
  readonly isReplay: boolean;
}

interface Running {
  readonly key: string;
  readonly fingerprint: string | undefined;
  /** Resolves with undefined where the run failed: whoever waits tries for himself. */
  readonly ended: Promise<OnceResult | undefined>;
}

/** Equal keys meet here before they take a connection: one runs, the others wait for its result. */
export class KeyQueue {
  readonly #clock: Clock;
  /** By scope and key. */
  readonly #running = new Map<string, Running>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this process is at work on a key, in whatever scope. */
  has(key: string): boolean {
    return [...this.#running.values()].some((running) => running.key === key);
  }

  /**
   * Runs `work`, or waits for the result of whoever runs it.
   * Throws KEY_REUSED for another fingerprint, KEY_IN_PROGRESS when the deadline passes while another runs, and ABORTED
   * when its caller goes away by then.
   */
  async run(
    scoped: ScopedKey,
    { fingerprint, deadline }: { readonly fingerprint: string | undefined; readonly deadline: Deadline },
    work: () => Promise<OnceResult>,
  ): Promise<OnceResult> {
    const name = `${scoped.scope}\0${scoped.key}`;
    for (let other = this.#running.get(name); other !== undefined; other = this.#running.get(name)) {
      if (other.fingerprint !== fingerprint) throw keyReused(scoped);
      const result = await this.#wait(other.ended, scoped, deadline);
      if (result !== undefined) return { ...result, isReplay: true };
      if (deadline.at - this.#clock.now() < LEAST_TIME_MS) throw keyInProgress(scoped);
    }
    const running = work();
    this.#running.set(name, { key: scoped.key, fingerprint, ended: running.catch(() => undefined) });
    try {
      return await running;
    } finally {
      this.#running.delete(name);
    }
  }

  async #wait(
    ended: Promise<OnceResult | undefined>,
    scoped: ScopedKey,
    deadline: Deadline,
  ): Promise<OnceResult | undefined> {
    const signal = signalOf(deadline);
    try {
      const options = { clock: this.#clock, deadlineAt: deadline.at, ...(signal ? { signal } : {}) };
      return await within<OnceResult | undefined>(options, (resolve) => void ended.then(resolve));
    } catch {
      if (signal?.aborted) throw new DebyError("ABORTED", "The caller went away while another request had the key");
      throw keyInProgress(scoped);
    }
  }
}

/** The same key with another request. Source: IETF draft, The Idempotency-Key HTTP Header Field. */
export function keyReused({ key }: ScopedKey): DebyError {
  return new DebyError("KEY_REUSED", `The key ${JSON.stringify(key)} was used for another request`);
}

export function keyInProgress({ key }: ScopedKey): DebyError {
  return new DebyError("KEY_IN_PROGRESS", `The first request with the key ${JSON.stringify(key)} still runs`, {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
