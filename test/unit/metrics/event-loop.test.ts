import { expect, test } from "bun:test";
import { watchEventLoop } from "../../../src/metrics/event-loop.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** Every timer comes `lateByMs` after it was due. */
class LateClock extends ManualClock {
  lateByMs = 0;

  override after(delayMs: number, callback: () => void) {
    return super.after(delayMs + this.lateByMs, callback);
  }
}

test("watchEventLoop() looks ten times a second, and sees how late it is", async () => {
  const clock = new LateClock();
  const { lags, stop } = watchEventLoop(clock);
  await clock.advance(1000);
  expect([lags.count, lags.sumMs]).toEqual([10, 0]);
  clock.lateByMs = 300;
  await clock.advance(900);
  expect([lags.count, lags.sumMs]).toEqual([13, 600]);
  stop();
  expect(clock.pending).toBe(0);
});
