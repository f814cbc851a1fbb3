import { describe, expect, test } from "bun:test";
import { Emitter } from "../../../src/core/emitter.ts";
import { codedError } from "../../../src/core/within.ts";
import type { DatabaseEvents, ServerFacts } from "../../../src/database/events.ts";
import { Monitor, type ProbeConnection } from "../../../src/database/monitor.ts";
import { connectError, lostError } from "../../../src/database/sqlstate.ts";
import { Watcher } from "../../../src/database/watcher.ts";
import { DebyError } from "../../../src/errors.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { defaultSettings } from "../../support/settings.ts";

const facts: ServerFacts = { version: "18.0", isStandby: false, isReadOnly: false, connectMs: 5, address: "db:5432" };

/** A server that can be taken away, frozen, or made to refuse. */
function setUp(options: { readonly isBusy?: () => Promise<boolean> } = {}) {
  const clock = new ManualClock();
  const emitter = new Emitter<DatabaseEvents>();
  const world = {
    isUp: true,
    isFrozen: false,
    /** New connections are answered, those that are open are not. */
    areOpenOnesSilent: false,
    areOpenOnesCut: false,
    refusal: undefined as string | undefined,
    isReadOnly: false,
    isPoolAnswering: false,
    /** Of connections that the pool gets. */
    dialsAt: [] as number[],
    /** Of those that stay the monitor's own. */
    probesAt: [] as number[],
    stallChecksAt: [] as number[],
    /** When it looked around for other servers. */
    beatsAt: [] as number[],
    isPoolAlive: true,
    isPoolAtWork: false,
    isQueued: false,
    hearts: [] as ProbeConnection[],
    pooled: [] as ProbeConnection[],
  };
  const after = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));

  async function reach(deadlineAt: number): Promise<void> {
    if (world.isFrozen) {
      await after(deadlineAt - clock.now());
      throw codedError("ETIMEDOUT", "silence");
    }
    if (!world.isUp) throw codedError("ECONNREFUSED", "refused");
    if (world.refusal) throw codedError(world.refusal, "refused by name");
  }

  async function dial(deadlineAt: number): Promise<ProbeConnection> {
    await reach(deadlineAt).catch((error) => {
      throw connectError(error, "db:5432");
    });
    const connection = {
      facts: { ...facts, isReadOnly: world.isReadOnly },
      backend: { pid: 1, startedAt: "now", server: "s", isDirect: true },
      remoteAddress: undefined,
      isLost: false,
      isBusy: false,
      onLost: () => {},
      close: async () => {
        connection.isLost = true;
      },
      destroy: () => {
        connection.isLost = true;
      },
      control: async (_: string, at: number) => {
        if (world.areOpenOnesCut) throw lostError(codedError("CONNECTION_CLOSED", "closed"), true);
        const isSilent = world.isFrozen || world.areOpenOnesSilent;
        if (isSilent || !world.isUp) {
          if (isSilent) await after(at - clock.now());
          if (world.areOpenOnesSilent) connection.isLost = true;
          throw lostError(codedError("ETIMEDOUT", "silence"), true);
        }
        return { rows: [], command: "SELECT" };
      },
    };
    return connection;
  }

  async function probe(deadlineAt: number): Promise<ProbeConnection> {
    world.probesAt.push(clock.now());
    const heart = await dial(deadlineAt);
    world.hearts.push(heart);
    return heart;
  }

  async function connect(deadlineAt: number): Promise<ProbeConnection> {
    world.dialsAt.push(clock.now());
    return await dial(deadlineAt);
  }

  const watcher = new Watcher<ProbeConnection>({
    clock,
    random: () => 0.5,
    settings: defaultSettings,
    connect,
    areSeveralHosts: false,
  });
  const names: string[] = [];
  const monitor = new Monitor({
    clock,
    settings: defaultSettings,
    emitter,
    watcher,
    probe,
    connect,
    areSeveralHosts: false,
    giveToPool: (connection) => void world.pooled.push(connection),
    poolIsAlive: () => world.isPoolAlive,
    poolIsAtWork: () => world.isPoolAtWork,
    mayBeQueued: () => world.isQueued,
    isWanted: ({ isReadOnly }) => !isReadOnly,
    isBusy: options.isBusy,
    checkStalls: async () => void world.stallChecksAt.push(clock.now()),
    poolAnswers: async () => world.isPoolAnswering,
    onProven: () => {},
    onBeat: () => void world.beatsAt.push(clock.now()),
    onTransition: (from, to) => void (to.name === from.name || names.push(to.name)),
  });
  const attempts: number[] = [];
  emitter.on("attempt", () => void attempts.push(clock.now()));
  const running = monitor.run();
  const loseSocket = () => monitor.trouble(lostError(codedError("CONNECTION_CLOSED", "closed"), false));
  return { clock, emitter, world, monitor, names, attempts, running, loseSocket };
}

describe("the monitor", () => {
  test("connects at once, and then beats every heartbeat-interval without a new connection", async () => {
    const { clock, monitor, names, world } = setUp();
    await clock.advance(95_000);
    expect(names).toEqual(["up"]);
    expect(world.dialsAt).toEqual([0]);
    expect(world.probesAt).toEqual([500]);
    expect(monitor.latencyMs).toBeDefined();
  });

  test("a closed socket while the server is fine costs one probe and no outage", async () => {
    const { clock, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    loseSocket();
    loseSocket();
    await clock.advance(10);
    expect(names).toEqual(["up", "suspect", "up"]);
    expect(world.probesAt).toEqual([500, 1000]);
    expect(world.dialsAt).toEqual([0]);
  });

  test("who waited in vain during an outage costs no question at its end", async () => {
    const { clock, world, monitor, loseSocket } = setUp();
    await clock.advance(1000);
    world.isUp = false;
    loseSocket();
    await clock.advance(5000);
    expect(monitor.state.name).toBe("reconnecting");
    world.probesAt.length = 0;
    monitor.stall();
    world.isUp = true;
    await clock.advance(200);
    expect(monitor.state.name).toBe("up");
    expect(world.probesAt).toEqual([]);
    expect(world.stallChecksAt).toEqual([]);
  });

  test("the connection that ends an outage is the pool's, not the heart's", async () => {
    const { clock, world } = setUp();
    await clock.advance(1000);
    const [pooled] = world.pooled;
    expect(world.pooled.length).toBe(1);
    expect(world.hearts.length).toBe(1);
    expect(world.hearts).not.toContain(pooled as ProbeConnection);
  });

  test("whoever vouched for a server that shuts down and died since has vouched for nothing", async () => {
    const { clock, world, names, loseSocket } = setUp();
    await clock.advance(1000);
    world.refusal = "57P03";
    world.isPoolAnswering = true;
    world.isPoolAlive = false;
    for (const heart of world.hearts) await heart.close();
    loseSocket();
    await clock.advance(10);
    expect(names).toEqual(["up", "suspect", "reconnecting"]);
  });

  test("attempts fall on 0, 2, 6, 12, 20 s after the loss and every 10 s from 30 s on", async () => {
    const { clock, names, attempts, world, loseSocket } = setUp();
    await clock.advance(1000);
    attempts.length = 0;
    world.isUp = false;
    loseSocket();
    await clock.advance(55_000);
    expect(attempts.map((at) => at - 1000)).toEqual([0, 2000, 6000, 12_000, 20_000, 30_000, 40_000, 50_000]);
    expect(names).toEqual(["up", "suspect", "reconnecting", "down"]);
  });

  test("the watcher's success is the next attempt, within 2 % of the outage's age", async () => {
    const { clock, monitor, attempts, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.isUp = false;
    loseSocket();
    await clock.advance(5000);
    const before = attempts.length;
    world.isUp = true;
    await clock.advance(101);
    expect(monitor.state.name).toBe("up");
    expect(attempts.length).toBe(before + 1);
  });

  test("a frozen server that is idle is found out within heartbeat-interval plus heartbeat-timeout", async () => {
    const { clock, monitor, world } = setUp();
    await clock.advance(100);
    world.isFrozen = true;
    await clock.advance(35_000);
    expect(monitor.state.name).toBe("reconnecting");
  });

  test("stalls of a server that answers keep nobody from looking around, as they do a heartbeat", async () => {
    const { clock, monitor, world } = setUp();
    for (let second = 0; second < 60; second += 5) {
      await clock.advance(5000);
      monitor.stall();
    }
    await clock.advance(0);
    expect(world.beatsAt).toEqual(world.stallChecksAt);
    expect(world.beatsAt.length).toBe(12);
    expect(monitor.state.name).toBe("up");
  });

  test("a black hole does not blind the watcher: its looks are short", async () => {
    const { clock, monitor, world } = setUp();
    await clock.advance(100);
    world.isFrozen = true;
    await clock.advance(85_000);
    expect(monitor.state.name).toBe("down");
    world.isFrozen = false;
    await clock.advance(500 + 1200);
    expect(monitor.state.name).toBe("up");
  });

  test("looks into a black hole are as far apart as any, from one to the next", async () => {
    const { clock, world, loseSocket } = setUp();
    await clock.advance(100);
    world.isFrozen = true;
    loseSocket();
    await clock.advance(2000 + 20_000 + 5000 + 100);
    world.dialsAt.length = 0;
    await clock.advance(2000);
    // Each lasts for 500 ms, which is more than 2 % of 25 s less a tenth.
    expect(world.dialsAt.length).toBeGreaterThanOrEqual(4);
  });

  test("is blocked by a wrong password, tries on every retry-interval, and lets no watcher look in between", async () => {
    const { clock, monitor, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.refusal = "28P01";
    for (const heart of world.hearts) await heart.close();
    loseSocket();
    world.probesAt.length = 0;
    world.dialsAt.length = 0;
    await clock.advance(35_000);
    expect(names).toEqual(["up", "suspect", "blocked"]);
    expect(world.probesAt).toEqual([1000]);
    expect(world.dialsAt.map((at) => at - 1000)).toEqual([0, 10_000, 20_000, 30_000]);
    world.refusal = undefined;
    await clock.advance(10_000);
    expect(monitor.state.name).toBe("up");
  });

  test("stays up with a warning when new connections are refused while the heart still answers, until that is over", async () => {
    const { clock, monitor, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.refusal = "53300";
    loseSocket();
    await clock.advance(100);
    expect(monitor.state).toMatchObject({ name: "up", reason: { code: "53300" } });
    world.refusal = undefined;
    await clock.advance(10_100);
    expect(monitor.state).toMatchObject({ name: "up" });
    expect("reason" in monitor.state && monitor.state.reason).toBeFalsy();
    expect(names).toEqual(["up", "suspect", "up"]);
  });

  test("a pool connection that answers vouches for the server when the heart is gone", async () => {
    const { clock, monitor, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    for (const heart of world.hearts) await heart.close();
    world.refusal = "28P01";
    world.isPoolAnswering = true;
    loseSocket();
    await clock.advance(10);
    expect(monitor.state).toMatchObject({ name: "up", reason: { code: "28P01" } });
    world.isPoolAnswering = false;
    await clock.advance(10_100);
    expect(names).toEqual(["up", "suspect", "up", "blocked"]);
  });

  test.each([
    ["53300", "up"],
    ["57P03", "reconnecting"],
  ] as const)(
    "a long statement is left alone without a heart where new connections get %s: it is %s",
    async (code, name) => {
      const { clock, monitor, world, loseSocket } = setUp();
      await clock.advance(1000);
      for (const heart of world.hearts) await heart.close();
      world.refusal = code;
      world.isPoolAtWork = true;
      loseSocket();
      await clock.advance(10);
      expect(monitor.state).toMatchObject({ name, reason: { code } });
    },
  );

  test.each([
    ["answers", "up"],
    ["keeps silent, too", "reconnecting"],
  ] as const)(
    "a heart has fallen silent, and the pool %s: with a long statement on a full server it is %s",
    async (pool, name) => {
      const { clock, monitor, world } = setUp();
      await clock.advance(1000);
      world.refusal = "53300";
      world.isPoolAtWork = true;
      world.areOpenOnesSilent = true;
      world.isPoolAnswering = pool === "answers";
      await clock.advance(defaultSettings.heartbeatIntervalMs + defaultSettings.stallAfterMs + 2000);
      world.isPoolAnswering = false;
      await clock.advance(5000);
      expect(monitor.state).toMatchObject({ name, reason: { code: "53300" } });
    },
  );

  test("a long statement is left alone where the heart is cut while it is asked", async () => {
    const { clock, monitor, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.refusal = "53300";
    world.isPoolAtWork = true;
    world.areOpenOnesCut = true;
    loseSocket();
    await clock.advance(10);
    expect(monitor.state).toMatchObject({ name: "up", reason: { code: "53300" } });
  });

  test.each([
    ["28P01", "blocked"],
    ["53300", "reconnecting"],
  ] as const)("a heart alone vouches for nothing while new connections get %s: it is %s", async (code, name) => {
    const { clock, monitor, names, world } = setUp();
    await clock.advance(1000);
    world.refusal = code;
    monitor.trouble(connectError(codedError(code, "refused by name"), "db:5432"));
    await clock.advance(10);
    expect(names).toEqual(["up", "suspect", "up"]);
    world.isPoolAlive = false;
    monitor.trouble(new DebyError("DATABASE_UNAVAILABLE", "none left", { reason: "EMPTY_POOL" }));
    await clock.advance(10);
    expect(names.slice(3)).toEqual(["suspect", name]);
    expect(monitor.state).toMatchObject({ reason: { code } });
    expect(world.hearts.map(({ isLost }) => isLost)).toEqual([true]);
    world.refusal = undefined;
    await clock.advance(10_000);
    expect(monitor.state.name).toBe("up");
  });

  test("a heart is enough where the pool is empty and new connections are let in", async () => {
    const { clock, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.isPoolAlive = false;
    loseSocket();
    await clock.advance(65_000);
    expect(names).toEqual(["up", "suspect", "up"]);
  });

  test("behind a pooler that lets in and keeps waiting, silence is a warning until nobody can be just queued", async () => {
    const { clock, monitor, names, world } = setUp();
    await clock.advance(1000);
    world.refusal = "UNANSWERED";
    world.isQueued = true;
    world.isPoolAnswering = false;
    for (const heart of world.hearts) Object.assign(heart, { isLost: true });
    monitor.stall();
    await clock.advance(3000);
    expect(names).toEqual(["up"]);
    expect(monitor.state).toMatchObject({ name: "up", reason: { code: "UNANSWERED" } });
    world.isQueued = false;
    await clock.advance(2000);
    expect(names).toEqual(["up", "reconnecting"]);
  });

  test("a connection that was lost before is no queue", async () => {
    const { clock, names, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.refusal = "UNANSWERED";
    world.isQueued = true;
    world.isPoolAnswering = false;
    for (const heart of world.hearts) Object.assign(heart, { isLost: true });
    loseSocket();
    await clock.advance(100);
    expect(names).toEqual(["up", "suspect", "reconnecting"]);
  });

  test("a black hole that heals in mid-attempt is noticed by the next look beside it, within 500 ms", async () => {
    const { clock, monitor, attempts, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.isFrozen = true;
    loseSocket();
    // A look has begun 100 ms ago, and will never be answered.
    await clock.advance(2000 + 1600);
    expect(attempts.length).toBe(2);
    world.isFrozen = false;
    await clock.advance(500);
    expect(monitor.state).toMatchObject({ name: "up", since: world.dialsAt.at(-1) });
  });

  test("is read-only when the server takes no writes, and up again when it does", async () => {
    const { clock, monitor, world, loseSocket } = setUp();
    await clock.advance(1000);
    world.isReadOnly = true;
    loseSocket();
    await clock.advance(10);
    expect(monitor.state.name).toBe("read-only");
    world.isReadOnly = false;
    await clock.advance(10_100);
    expect(monitor.state.name).toBe("up");
  });

  test("close() in any state ends the loop and leaves no timer", async () => {
    for (const state of ["up", "reconnecting", "down"] as const) {
      const { clock, monitor, world, loseSocket, running } = setUp();
      await clock.advance(1000);
      if (state !== "up") {
        world.isUp = false;
        loseSocket();
        await clock.advance(state === "down" ? 25_000 : 1000);
      }
      expect(monitor.state.name).toBe(state);
      monitor.drain();
      await monitor.stopHeart();
      monitor.close();
      await clock.advance(0);
      await running;
      expect(monitor.state.name).toBe("closed");
      expect(clock.pending).toBe(0);
    }
  });
});

describe("the monitor of a server that can say by another way that it is at work", () => {
  test("takes no silence for an outage as long as it does, and none of it is told", async () => {
    const { clock, emitter, monitor, names, world } = setUp({ isBusy: async () => true });
    const failed: unknown[] = [];
    emitter.on("heartbeatFailed", (event) => failed.push(event));
    await clock.advance(100);
    world.isFrozen = true;
    await clock.advance(300_000);
    monitor.trouble(lostError(codedError("ETIMEDOUT", "silence"), true));
    await clock.advance(10_000);
    expect(names).toEqual(["up"]);
    expect(failed).toEqual([]);
    world.isFrozen = false;
    await clock.advance(31_000);
    expect(world.hearts.at(-1)?.isLost).toBe(false);
  });

  test("believes a closed socket all the same, and is up again when the probe that follows is only late", async () => {
    const { clock, names, world, loseSocket } = setUp({ isBusy: async () => true });
    await clock.advance(1000);
    world.isFrozen = true;
    loseSocket();
    await clock.advance(2100);
    expect(names).toEqual(["up", "suspect", "up"]);
    world.isFrozen = false;
    world.isUp = false;
    loseSocket();
    await clock.advance(100);
    expect(names).toEqual(["up", "suspect", "up", "suspect", "reconnecting"]);
  });

  test("finds out a server that is neither answering nor at work", async () => {
    const { clock, monitor, world } = setUp({ isBusy: async () => false });
    await clock.advance(100);
    world.isFrozen = true;
    await clock.advance(35_000);
    expect(monitor.state.name).toBe("reconnecting");
  });

  test("asks nobody as long as the server answers", async () => {
    let asked = 0;
    const isBusy = async () => {
      asked += 1;
      return true;
    };
    const { clock, loseSocket } = setUp({ isBusy });
    await clock.advance(95_000);
    loseSocket();
    await clock.advance(1000);
    expect(asked).toBe(0);
  });
});
