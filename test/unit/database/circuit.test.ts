import { describe, expect, test } from "bun:test";
import { type CircuitEvent, initialState, pauseAfter, transition } from "../../../src/database/circuit.ts";
import type { CircuitState } from "../../../src/database/events.ts";
import { defaultSettings } from "../../support/settings.ts";

const refused = { code: "ECONNREFUSED", message: "connection refused" };
const wrongPassword = { code: "28P01", message: "password authentication failed" };
const failed: CircuitEvent = { type: "failed", reason: refused, failure: "lost" };
const proven: CircuitEvent = { type: "proven", isWritable: true };

function run(state: CircuitState, ...steps: readonly (readonly [atMs: number, event: CircuitEvent])[]): CircuitState {
  return steps.reduce((current, [at, event]) => transition(current, event, at, defaultSettings), state);
}

const up: CircuitState = { name: "up", since: 0 };

describe("the schedule of attempts", () => {
  test("pauses 2, 4, 6, 8 and 10 s in the series and 10 s ever after", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 100].map((n) => pauseAfter(n, defaultSettings))).toEqual([
      2000, 4000, 6000, 8000, 10_000, 10_000, 10_000, 10_000,
    ]);
  });

  test("a series longer than its list of delays repeats the last one", () => {
    const schedule = { retryAttempts: 4, retryDelaysMs: [100, 200], retryIntervalMs: 9000 };
    expect([1, 2, 3, 4, 5].map((n) => pauseAfter(n, schedule))).toEqual([100, 200, 200, 200, 9000]);
  });

  test("attempts that fail at once fall on 0, 2, 6, 12, 20, 30 and 40 s after the loss", () => {
    let state = run(up, [1000, { type: "trouble", reason: refused }], [1000, failed]);
    const startedAt: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      if (!("nextAttemptAt" in state)) throw new Error(`unexpected state ${state.name}`);
      const at = state.nextAttemptAt;
      startedAt.push(at - 1000);
      state = run(state, [at, { type: "attempt-started" }], [at, failed]);
    }
    expect(startedAt).toEqual([0, 2000, 6000, 12_000, 20_000, 30_000, 40_000]);
  });
});

describe("what is told of the next attempt", () => {
  const reasons = { down: refused, blocked: wrongPassword } as const;

  test.each(["down", "blocked"] as const)("is an upper bound also while one is on its way, when %s", (name) => {
    const reason = reasons[name];
    const before: CircuitState = { name, since: 0, lostAt: 0, attempt: 1, nextAttemptAt: 0, reason };
    const started = run({ ...before, attempt: name === "down" ? 7 : 1 }, [0, { type: "attempt-started" }]);
    expect(started).toMatchObject({ nextAttemptAt: 15_000 });
    const failure = name === "down" ? "lost" : "misconfigured";
    expect(run(started, [5000, { type: "failed", reason, failure }])).toMatchObject({ nextAttemptAt: 15_000 });
    expect(run(started, [10, { type: "failed", reason, failure }])).toMatchObject({ nextAttemptAt: 10_010 });
  });
});

describe("the circuit", () => {
  test("starts in starting and is up once a probe was answered", () => {
    expect(run(initialState(5), [6, { type: "attempt-started" }], [7, proven])).toEqual({ name: "up", since: 7 });
  });

  test("goes from starting to down when the series is exhausted, without a stop at reconnecting", () => {
    let state: CircuitState = initialState(0);
    const names: string[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      state = run(state, [attempt, { type: "attempt-started" }], [attempt, failed]);
      names.push(state.name);
    }
    expect(names).toEqual(["starting", "starting", "starting", "starting", "down"]);
  });

  test("is suspect on a sign of trouble, and up again when the fresh probe is answered", () => {
    const suspect = run(up, [10, { type: "trouble", reason: refused }]);
    expect(suspect).toEqual({ name: "suspect", since: 10, reason: refused });
    expect(run(suspect, [15, proven])).toEqual({ name: "up", since: 15 });
  });

  test("is reconnecting when the probe fails, and down after five failed attempts, with the first loss remembered", () => {
    let state = run(up, [10, { type: "trouble", reason: refused }], [20, failed]);
    expect(state).toEqual({
      name: "reconnecting",
      since: 20,
      lostAt: 20,
      attempt: 0,
      nextAttemptAt: 20,
      reason: refused,
    });
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect(state.name).toBe("reconnecting");
      state = run(state, [attempt * 1000, { type: "attempt-started" }], [attempt * 1000, failed]);
    }
    expect(state).toEqual({
      name: "down",
      since: 5000,
      lostAt: 20,
      attempt: 5,
      nextAttemptAt: 15_000,
      reason: refused,
    });
  });

  test("tells what the probe found, where the first sign was only that the pool is empty", () => {
    const empty = { code: "EMPTY_POOL", message: "the last connection is gone" };
    const full: CircuitEvent = {
      type: "failed",
      reason: { code: "53300", message: "too many clients" },
      failure: "transient",
    };
    const state = run(up, [10, { type: "trouble", reason: empty }], [20, full]);
    expect(state).toMatchObject({ name: "reconnecting", reason: { code: "53300" } });
  });

  test("is blocked by a refusal that waiting does not cure, and tries on every retry-interval", () => {
    const blocked: CircuitEvent = { type: "failed", reason: wrongPassword, failure: "misconfigured" };
    const state = run(initialState(0), [0, { type: "attempt-started" }], [5, blocked]);
    expect(state).toMatchObject({ name: "blocked", attempt: 1, nextAttemptAt: 10_005, reason: wrongPassword });
    expect(run(state, [10_005, { type: "attempt-started" }], [10_006, proven]).name).toBe("up");
    expect(run(state, [10_005, { type: "attempt-started" }], [10_006, failed]).name).toBe("reconnecting");
  });

  test("stays up with a reason when new connections are refused while one that we hold answers", () => {
    const state = run(up, [10, { type: "refused-but-alive", reason: wrongPassword, isWritable: true }]);
    expect(state).toEqual({ name: "up", since: 0, reason: wrongPassword });
    expect(run(state, [20, proven])).toEqual({ name: "up", since: 20 });
  });

  test("does not suspect again for the reason that it already knows", () => {
    const state = run(up, [10, { type: "refused-but-alive", reason: wrongPassword, isWritable: true }]);
    expect(run(state, [20, { type: "trouble", reason: wrongPassword }])).toBe(state);
    expect(run(state, [20, { type: "trouble", reason: refused }]).name).toBe("suspect");
  });

  test("a read-only server that refuses new connections is still read-only", () => {
    const readOnly = run(up, [10, { type: "proven", isWritable: false }]);
    const event: CircuitEvent = { type: "refused-but-alive", reason: wrongPassword, isWritable: false };
    expect(run(readOnly, [20, { type: "trouble", reason: refused }], [30, event]).name).toBe("read-only");
  });

  test("is read-only when the probe finds no writes accepted", () => {
    expect(
      run(up, [10, { type: "trouble", reason: refused }], [20, { type: "proven", isWritable: false }]),
    ).toMatchObject({
      name: "read-only",
      since: 20,
    });
  });

  test("ignores trouble while it reconnects, and everything but close while it drains", () => {
    const reconnecting = run(up, [10, { type: "trouble", reason: refused }], [20, failed]);
    expect(run(reconnecting, [30, { type: "trouble", reason: refused }])).toBe(reconnecting);
    const draining = run(up, [10, { type: "drain" }]);
    expect(draining).toEqual({ name: "draining", since: 10, last: "up" });
    expect(run(draining, [11, { type: "trouble", reason: refused }], [12, failed], [13, proven])).toBe(draining);
    const closed = run(draining, [14, { type: "close" }]);
    expect(closed.name).toBe("closed");
    expect(run(closed, [15, proven])).toBe(closed);
  });
});
