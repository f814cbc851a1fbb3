import type { Clock, Timer } from "../core/clock.ts";

export interface RepeatOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  /** A beat is skipped while so many runs are under way. */
  readonly maxAtOnce: number;
}

/**
 * Runs a task at a steady beat, however long each run takes, until it is disposed; then waits for what is under way.
 * The task must not reject and must end by itself.
 */
export class Repeater implements AsyncDisposable {
  readonly #underWay = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: RepeatOptions, task: () => Promise<void>) {
    const { clock, everyMs, maxAtOnce } = options;
    let dueAt = clock.now();
    const beat = (): void => {
      if (this.#isStopped) return;
      if (this.#underWay.size < maxAtOnce) {
        const run = task().finally(() => this.#underWay.delete(run));
        this.#underWay.add(run);
      }
      // Beats that a stalled event loop missed are not caught up on.
      dueAt = Math.max(dueAt + everyMs, clock.now());
      this.#timer = clock.after(dueAt - clock.now(), beat);
    };
    beat();
  }

  /** No further runs; those under way may end. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await Promise.all(this.#underWay);
  }
}
