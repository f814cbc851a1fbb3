import type { Clock, Timer } from "../core/clock.ts";

/** How often it looks. The minimum is refilled, and an idle connection closed, at most this much late. */
const TICK_MS = 500;

/** What is looked after now and then. */
interface Chore {
  tidy(): void;
}

/** Keeps a pool tidy: idle timeout, max lifetime, minimum kept, leases that last too long. */
export class Housekeeper {
  readonly #clock: Clock;
  readonly #chores: readonly Chore[];
  #timer: Timer | undefined;

  constructor(clock: Clock, ...chores: readonly Chore[]) {
    this.#clock = clock;
    this.#chores = chores;
  }

  start(): void {
    this.#timer ??= this.#clock.after(TICK_MS, () => {
      this.#timer = undefined;
      this.start();
      for (const chore of this.#chores) chore.tidy();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
