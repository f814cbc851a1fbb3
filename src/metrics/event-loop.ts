import type { Clock } from "../core/clock.ts";
import { Histogram } from "./histogram.ts";

/** Often enough to be late for most stalls that a request would feel, seldom enough to cost nothing. */
const TICK_MS = 100;

export interface EventLoopWatch {
  /** How late each tick came. */
  readonly lags: Histogram;
  stop(): void;
}

/** Measures how long the process keeps its event loop from what is due. */
export function watchEventLoop(clock: Clock): EventLoopWatch {
  const lags = new Histogram();
  let dueAt = clock.now() + TICK_MS;
  let timer = clock.after(TICK_MS, tick);

  function tick(): void {
    const now = clock.now();
    lags.observe(Math.max(0, now - dueAt));
    dueAt = now + TICK_MS;
    timer = clock.after(TICK_MS, tick);
  }

  return { lags, stop: () => timer.cancel() };
}
