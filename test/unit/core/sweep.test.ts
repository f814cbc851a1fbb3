import { expect, test } from "bun:test";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** Something with one deadline; Infinity for none. */
function entryAt(deadlineAt: number) {
  const entry = {
    deadlineAt,
    expired: 0,
    sweep(now: number) {
      if (entry.deadlineAt > now) return entry.deadlineAt !== Number.POSITIVE_INFINITY;
      entry.expired += 1;
      return false;
    },
  };
  return entry;
}

test("one timer serves all entries, each expires once and at most a tick late", async () => {
  const clock = new ManualClock();
  const sweep = new DeadlineSweep(clock, { tickMs: 20 });
  const early = entryAt(50);
  const late = entryAt(200);
  sweep.add(early);
  sweep.add(late);
  expect(clock.pending).toBe(1);
  await clock.advance(49);
  expect(early.expired).toBe(0);
  await clock.advance(21);
  expect(early.expired).toBe(1);
  await clock.advance(1000);
  expect([early.expired, late.expired]).toEqual([1, 1]);
});

test("no timer runs once nothing waits any more, and one runs again when something does", async () => {
  const clock = new ManualClock();
  const sweep = new DeadlineSweep(clock);
  const entry = entryAt(1000);
  sweep.add(entry);
  entry.deadlineAt = Number.POSITIVE_INFINITY;
  await clock.advance(100);
  expect(clock.pending).toBe(0);
  entry.deadlineAt = 200;
  sweep.add(entry);
  await clock.advance(200);
  expect(entry.expired).toBe(1);
});

test("what is registered again by its own end stays", async () => {
  const clock = new ManualClock();
  const sweep = new DeadlineSweep(clock, { tickMs: 20 });
  let calls = 0;
  const entry = {
    sweep() {
      calls += 1;
      sweep.add(entry);
      return calls < 3;
    },
  };
  sweep.add(entry);
  await clock.advance(200);
  expect(calls).toBe(3);
  expect(clock.pending).toBe(0);
});

test("a late tick gives what has arrived meanwhile one more turn before anything expires", () => {
  let now = 0;
  const ticks: (() => void)[] = [];
  const clock = {
    now: () => now,
    date: () => new Date(now),
    after: (_: number, tick: () => void) => {
      ticks.push(tick);
      return { cancel() {} };
    },
  };
  const sweep = new DeadlineSweep(clock, { tickMs: 20 });
  const entry = entryAt(100);
  sweep.add(entry);
  now = 3000;
  ticks.shift()?.();
  expect(entry.expired).toBe(0);
  now = 3020;
  ticks.shift()?.();
  expect(entry.expired).toBe(1);
});
