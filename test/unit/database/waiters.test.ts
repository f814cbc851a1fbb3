import { describe, expect, test } from "bun:test";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { Waiters } from "../../../src/database/waiters.ts";
import { DebyError } from "../../../src/errors.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

function setUp() {
  const clock = new ManualClock();
  const waiters = new Waiters<string>(new DeadlineSweep(clock), () => new DebyError("POOL_EXHAUSTED", "late"));
  const log: string[] = [];
  const wait = (name: string, at: number, signal?: AbortSignal) =>
    waiters.wait(signal ? { at, signal } : { at }).then(
      (value) => log.push(`${name} got ${value}`),
      (error: DebyError) => log.push(`${name} ${error.code}`),
    );
  return { clock, waiters, log, wait };
}

describe("waiters", () => {
  test("serve() gives to the oldest first", async () => {
    const { waiters, log, wait } = setUp();
    for (const name of ["a", "b", "c"]) void wait(name, 1000);
    expect([waiters.serve("1", 0), waiters.serve("2", 0), waiters.serve("3", 0), waiters.serve("4", 0)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    await settle();
    expect(log).toEqual(["a got 1", "b got 2", "c got 3"]);
    expect(waiters.size).toBe(0);
  });

  test("serve() passes over those whose time is over, though no tick has told them yet", async () => {
    const { waiters, log, wait } = setUp();
    void wait("late", 100);
    void wait("in time", 101);
    expect(waiters.serve("1", 100)).toBe(true);
    void wait("late, too", 100);
    expect(waiters.serve("2", 100)).toBe(false);
    await settle();
    expect(log).toEqual(["late POOL_EXHAUSTED", "in time got 1", "late, too POOL_EXHAUSTED"]);
  });

  test("each leaves at its own deadline, at most one tick late, whatever its place in the queue", async () => {
    const { clock, waiters, log, wait } = setUp();
    void wait("late", 5000);
    void wait("early", 100);
    await clock.advance(99);
    expect(log).toEqual([]);
    await clock.advance(21);
    expect(log).toEqual(["early POOL_EXHAUSTED"]);
    waiters.serve("1", 0);
    await settle();
    expect(log).toEqual(["early POOL_EXHAUSTED", "late got 1"]);
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  test("a caller that goes away leaves the queue and is never served", async () => {
    const { waiters, log, wait } = setUp();
    const away = new AbortController();
    void wait("a", 1000, away.signal);
    void wait("b", 1000);
    away.abort();
    waiters.serve("1", 0);
    await settle();
    expect(log).toEqual(["a ABORTED", "b got 1"]);
  });

  test("a signal that has to be made is made for those who wait for more than a tick", async () => {
    const { clock, waiters } = setUp();
    const away = new AbortController();
    let made = 0;
    const makeSignal = () => {
      made += 1;
      return away.signal;
    };
    const quick = waiters.wait({ at: 1000, makeSignal });
    const slow = waiters.wait({ at: 1000, makeSignal }).catch((error) => error.code);
    waiters.serve("1", 0);
    expect(await quick).toBe("1");
    await clock.advance(20);
    expect(made).toBe(0);
    await clock.advance(40);
    expect(made).toBe(1);
    away.abort();
    expect(await slow).toBe("ABORTED");
    expect(waiters.size).toBe(0);
    const gone = waiters.wait({ at: 1000, makeSignal }).catch((error) => error.code);
    await clock.advance(60);
    expect(await gone).toBe("ABORTED");
  });

  test("a caller that is already gone never enters", async () => {
    const { waiters, log, wait } = setUp();
    await wait("a", 1000, AbortSignal.abort());
    expect(waiters.size).toBe(0);
    expect(log).toEqual(["a ABORTED"]);
  });

  test("rejectAll() sends everybody away and says how many", async () => {
    const { waiters, log, wait } = setUp();
    for (const name of ["a", "b"]) void wait(name, 1000);
    expect(waiters.rejectAll(() => new DebyError("DATABASE_UNAVAILABLE", "down"))).toBe(2);
    await settle();
    expect(log).toEqual(["a DATABASE_UNAVAILABLE", "b DATABASE_UNAVAILABLE"]);
  });
});
