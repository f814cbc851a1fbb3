import { describe, expect, test } from "bun:test";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import type { CircuitState, StateName } from "../../../src/database/events.ts";
import { Gate, refusal } from "../../../src/database/gate.ts";
import { DebyError } from "../../../src/errors.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const reason = { code: "ECONNREFUSED", message: "connection refused" };
const waiting = { since: 0, lostAt: 0, attempt: 5, nextAttemptAt: 9300, reason };

const states: Record<StateName, CircuitState> = {
  starting: { ...waiting, name: "starting" },
  up: { name: "up", since: 0 },
  suspect: { name: "suspect", since: 0, reason },
  reconnecting: { ...waiting, name: "reconnecting" },
  down: { ...waiting, name: "down" },
  blocked: { ...waiting, name: "blocked" },
  "read-only": { name: "read-only", since: 0, reason },
  draining: { name: "draining", since: 0, last: "reconnecting" },
  closed: { name: "closed", since: 0 },
};

const codeOf = (name: StateName, isWrite: boolean) =>
  refusal(states[name], 0, isWrite ? "write" : "read")?.code ?? "wait";

describe("refusal", () => {
  test("holds while a short outage may pass, and sends away otherwise", () => {
    const names = Object.keys(states) as StateName[];
    expect(Object.fromEntries(names.map((name) => [name, `${codeOf(name, false)} / ${codeOf(name, true)}`]))).toEqual({
      starting: "wait / wait",
      up: "wait / wait",
      suspect: "wait / wait",
      reconnecting: "wait / wait",
      down: "DATABASE_UNAVAILABLE / DATABASE_UNAVAILABLE",
      blocked: "DATABASE_MISCONFIGURED / DATABASE_MISCONFIGURED",
      "read-only": "wait / wait",
      draining: "SHUTTING_DOWN / SHUTTING_DOWN",
      closed: "SHUTTING_DOWN / SHUTTING_DOWN",
    });
  });

  test("tells the time to the next counted attempt, and that nothing was executed", () => {
    expect(refusal(states.down, 1300, "write")).toMatchObject({
      retryAfterMs: 8000,
      outcome: "not-executed",
      reason: "ECONNREFUSED",
    });
  });

  test("lets what was begun go on while draining, as long as the database was there", () => {
    expect(refusal({ name: "draining", since: 0, last: "up" }, 0, "write")).toBeUndefined();
  });
});

describe("the gate", () => {
  function setUp(first: CircuitState, { canHold = true } = {}) {
    const clock = new ManualClock();
    const calls: string[] = [];
    const world = { state: first, waiting: 0 };
    const pool = {
      setMode: (mode: string) => void calls.push(mode),
      startGeneration: () => void calls.push("startGeneration"),
      rejectWaiters: (makeError: () => DebyError) => {
        calls.push(`reject ${makeError().code}`);
        return world.waiting;
      },
      figures: () => "total=20 idle=0 active=20 opening=0 waiting=7",
      get waiting() {
        return world.waiting;
      },
    };
    const sweep = new DeadlineSweep(clock);
    const gate = new Gate({ clock, sweep, pool, maxWaiters: 10, state: () => world.state, canHold });
    const go = (to: CircuitState) => {
      const from = world.state;
      world.state = to;
      gate.follow(from, to);
    };
    return { clock, gate, calls, world, go };
  }

  test("lets connections prove themselves on suspicion, begins a generation at the loss, and opens again at recovery", () => {
    const { calls, go } = setUp(states.up);
    go(states.suspect);
    go(states.reconnecting);
    go(states.up);
    expect(calls).toEqual(["proving", "startGeneration", "paused", "running"]);
  });

  test("sends the held away at the moment of going down, and counts held and failed", () => {
    const { gate, calls, world, go } = setUp(states.up);
    world.waiting = 3;
    go(states.suspect);
    go(states.reconnecting);
    gate.enterQueue();
    go(states.down);
    expect(calls.at(-1)).toBe("reject DATABASE_UNAVAILABLE");
    expect(() => gate.admit("read", { at: 1000 })).toThrow(DebyError);
    expect(gate.takeCounts()).toEqual({ held: 4, failed: 4 });
    expect(gate.takeCounts()).toEqual({ held: 0, failed: 0 });
  });

  test("a wait that ends while the database is up blames the pool, with its figures", () => {
    const { gate, world } = setUp(states.up);
    expect(gate.expired()).toMatchObject({ code: "POOL_EXHAUSTED" });
    expect(gate.expired().message).toContain("active=20");
    world.state = states.reconnecting;
    expect(gate.expired()).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "not-executed", retryAfterMs: 9300 });
  });

  test("a wait that ends under suspicion blames the database, with the reason", () => {
    const { gate } = setUp(states.suspect);
    expect(gate.expired()).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      outcome: "not-executed",
      reason: "ECONNREFUSED",
      retryAfterMs: 1000,
    });
  });

  test("a wait that ends while the service does is told so, though the database is there", () => {
    const { gate } = setUp({ name: "draining", since: 0, last: "up" });
    expect(gate.expired()).toMatchObject({ code: "SHUTTING_DOWN", outcome: "not-executed" });
  });

  test("opens no connection while the server refuses new ones", () => {
    const { calls, go } = setUp(states.suspect);
    go({ name: "up", since: 0, reason });
    go({ name: "up", since: 0 });
    expect(calls).toEqual(["not-opening", "running"]);
  });

  describe("writes, while the server takes none,", () => {
    const outcomeOf = (held: Promise<void> | undefined) =>
      Promise.resolve(held).then(
        () => "admitted",
        (error: DebyError) => error.code,
      );

    test("are held and go on, in the order in which they came, when it does", async () => {
      const { gate, go } = setUp(states["read-only"]);
      const order: number[] = [];
      const held = [0, 1, 2].map((id) => gate.admit("write", { at: 60_000 })?.then(() => order.push(id)));
      expect(gate.stats()).toMatchObject({ held: 3, waiting: 3 });
      expect(gate.admit("read", { at: 60_000 })).toBeUndefined();
      go(states.suspect);
      go(states.up);
      await Promise.all(held);
      expect(order).toEqual([0, 1, 2]);
      expect(gate.stats()).toMatchObject({ held: 0, waiting: 0 });
    });

    test("get READ_ONLY when it has taken none for 20 s, and at once from then on", async () => {
      const { clock, gate } = setUp(states["read-only"]);
      const held = outcomeOf(gate.admit("write", { at: 60_000 }));
      await clock.advance(20_100);
      expect(await held).toBe("READ_ONLY");
      expect(() => gate.admit("write", { at: 60_000 })).toThrow("accepts no writes");
      expect(gate.stats().shed).toBe(1);
    });

    test("stay held while the server is under suspicion", async () => {
      const { clock, gate, go } = setUp(states["read-only"]);
      const held = outcomeOf(gate.admit("write", { at: 60_000 }));
      go({ name: "suspect", since: 0, reason, readOnlySince: 0 });
      const late = outcomeOf(gate.admit("write", { at: 60_000 }));
      await clock.advance(100);
      expect(gate.stats().held).toBe(2);
      go(states.up);
      expect(await Promise.all([held, late])).toEqual(["admitted", "admitted"]);
    });

    test("are told at once when the service ends", async () => {
      const { gate, go } = setUp(states["read-only"]);
      const held = outcomeOf(gate.admit("write", { at: 60_000 }));
      go({ name: "draining", since: 0, last: "read-only" });
      expect(await held).toBe("SHUTTING_DOWN");
    });
  });

  test("one more than max-waiters is shed at once, whatever those before wait for", () => {
    const { gate, world } = setUp(states.up);
    world.waiting = 10;
    expect(() => gate.enterQueue()).toThrow("10 requests do already");
    expect(gate.stats().shed).toBe(1);
  });

  test("draining a working database neither pauses the pool nor sends anybody away", () => {
    const { calls, go } = setUp(states.up);
    go({ name: "draining", since: 0, last: "up" });
    expect(calls).toEqual(["running"]);
  });
});
