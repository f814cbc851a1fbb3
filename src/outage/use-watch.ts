import type { Clock } from "../core/clock.ts";
import { unlessAborted } from "./interruption.ts";
import { Repeater } from "./repeat.ts";
import type { UseProbe } from "./use-probe.ts";

const ASK_EVERY_MS = 10;

/** Asks every 10 ms, from the moment that it is made, until sessions are of use. The probe is its own. */
export class UseWatch implements AsyncDisposable {
  readonly #probe: UseProbe;
  readonly #repeater: Repeater;
  readonly #found = Promise.withResolvers<void>();
  #usableAt: number | undefined;

  constructor(probe: UseProbe, clock: Clock) {
    this.#probe = probe;
    this.#repeater = new Repeater({ clock, everyMs: ASK_EVERY_MS, maxAtOnce: 1 }, async () => {
      if (!(await probe.isUsable())) return;
      this.#usableAt = clock.now();
      this.#repeater.stop();
      this.#found.resolve();
    });
  }

  /** When the first yes came. */
  get usableAt(): number | undefined {
    return this.#usableAt;
  }

  /** Resolves at the first yes, or when the signal fires. */
  untilUsable(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#found.promise, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#repeater[Symbol.asyncDispose]();
    await this.#probe[Symbol.asyncDispose]();
  }
}
