import { describe, expect, test } from "bun:test";
import { sleep } from "../../../src/core/clock.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

describe("ManualClock", () => {
  test("stands still until it is moved", async () => {
    const clock = new ManualClock();
    expect([clock.now(), clock.date().toISOString()]).toEqual([0, "2026-01-01T00:00:00.000Z"]);
    await clock.advance(1500);
    expect([clock.now(), clock.date().toISOString()]).toEqual([1500, "2026-01-01T00:00:01.500Z"]);
  });

  test("calls what is due in order of time, then of making, at its own time", async () => {
    const clock = new ManualClock();
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name}@${clock.now()}`);
    clock.after(20, note("b"));
    clock.after(10, note("a"));
    clock.after(20, note("c"));
    clock.after(21, note("d"));
    await clock.advance(20);
    expect(calls).toEqual(["a@10", "b@20", "c@20"]);
    expect([clock.pending, clock.nextInMs]).toEqual([1, 1]);
  });

  test("serves timers that are made while it moves", async () => {
    const clock = new ManualClock();
    let ticks = 0;
    const tick = () => {
      ticks++;
      clock.after(10, tick);
    };
    tick();
    await clock.advance(100);
    expect(ticks).toBe(11);
  });

  test("lets code between two awaits run before the next timer", async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const worker = (async () => {
      for (let round = 0; round < 3; round++) {
        await sleep(clock, 10);
        await Promise.resolve().then(() => {});
        seen.push(clock.now());
      }
    })();
    await clock.advance(25);
    expect(seen).toEqual([10, 20]);
    await clock.advance(5);
    await worker;
    expect(seen).toEqual([10, 20, 30]);
  });

  test("forgets a cancelled timer, also one cancelled by another that is due", async () => {
    const clock = new ManualClock();
    let called = false;
    const second = clock.after(10, () => {
      called = true;
    });
    clock.after(5, () => second.cancel());
    await clock.advance(50);
    expect([called, clock.pending]).toEqual([false, 0]);
  });

  test("a delay below zero is due at once", async () => {
    const clock = new ManualClock();
    let called = false;
    clock.after(-5, () => {
      called = true;
    });
    await clock.advance(0);
    expect(called).toBe(true);
  });
});

test("settle() lets chains of promises run to their end", async () => {
  let depth = 0;
  const chain = async (left: number): Promise<void> => {
    depth++;
    if (left > 0) await chain(left - 1);
  };
  const done = chain(50).then(() => "done");
  await settle();
  expect(depth).toBe(51);
  expect(await done).toBe("done");
});
