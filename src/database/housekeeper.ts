import type { Clock, Timer } from "../core/clock.ts";

/** How often it looks. The minimum is refilled, and an idle connection closed, at most this much late. */
const TICK_MS = 500;

/** Keeps a pool tidy: idle timeout, max lifetime, minimum kept. */
export class Housekeeper {
  readonly #clock: Clock;
  readonly #pool: { tidy(): void };
  #timer: Timer | undefined;

  constructor(clock: Clock, pool: { tidy(): void }) {
    this.#clock = clock;
    this.#pool = pool;
  }

  start(): void {
    this.#timer ??= this.#clock.after(TICK_MS, () => {
      this.#timer = undefined;
      this.start();
      this.#pool.tidy();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
