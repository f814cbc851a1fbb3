import { describe, expect, test } from "bun:test";
import type { PoolSettings } from "../../../src/config/types.ts";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { Housekeeper } from "../../../src/database/housekeeper.ts";
import { Pool } from "../../../src/database/pool.ts";
import type { PooledConnection } from "../../../src/database/pool-types.ts";
import { DebyError } from "../../../src/errors.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { defaultSettings } from "../../support/settings.ts";

class FakeConnection implements PooledConnection {
  isLost = false;
  isBusy = false;
  idleSince = 0;
  lastAnswerAt = 0;
  expiresAt = 0;
  leasedAt = Number.POSITIVE_INFINITY;
  holder: undefined;
  chunksReceived = 0;
  unsentBytes = 0;
  readonly facts = { version: "18.0", isStandby: false, isReadOnly: false, connectMs: 5, address: "db:5432" };
  readonly backend = { pid: 1, startedAt: "now", server: "s", isDirect: true };
  readonly remoteAddress = undefined;
  isInTransaction = false;
  isOutsideTransaction = true;
  isAnswering = true;
  end: "open" | "closed" | "destroyed" = "open";
  onLost: (error: DebyError) => void = () => {};
  readonly id: number;
  readonly openedAt: number;

  constructor(id: number, openedAt: number) {
    this.id = id;
    this.openedAt = openedAt;
  }

  async control() {
    if (!this.isAnswering) throw new DebyError("DATABASE_UNAVAILABLE", "silence");
    // Later than when it was asked, earlier than any deadline.
    this.lastAnswerAt += 500;
    return { rows: [], command: "SELECT" };
  }

  async close(): Promise<void> {
    this.isLost = true;
    this.end = "closed";
  }

  destroy(): void {
    this.isLost = true;
    this.end = "destroyed";
  }

  /** As if the server had closed the socket. */
  drop(): void {
    this.isLost = true;
    this.onLost(new DebyError("DATABASE_UNAVAILABLE", "closed", { reason: "CONNECTION_CLOSED" }));
  }
}

function setUp(overrides: Partial<PoolSettings> = {}) {
  const clock = new ManualClock();
  const opened: FakeConnection[] = [];
  const troubles: DebyError[] = [];
  const world = { openMs: 10, failure: undefined as DebyError | undefined, concurrent: 0, mostConcurrent: 0 };
  const pool = new Pool<FakeConnection>({
    clock,
    random: () => 0.5,
    sweep: new DeadlineSweep(clock),
    settings: { ...defaultSettings, ...overrides },
    open: async () => {
      world.concurrent += 1;
      world.mostConcurrent = Math.max(world.mostConcurrent, world.concurrent);
      await new Promise<void>((resolve) => clock.after(world.openMs, resolve));
      world.concurrent -= 1;
      if (world.failure) throw world.failure;
      const connection = new FakeConnection(opened.length, clock.now());
      opened.push(connection);
      return connection;
    },
    onOpened: () => {},
    onTrouble: (error) => void troubles.push(error),
    expiredError: () => new DebyError("POOL_EXHAUSTED", "late"),
  });
  const acquire = async () =>
    pool.tryAcquire(clock.now()) ?? (await pool.acquire({ at: clock.now() + 1000 }, clock.now()));
  return { clock, pool, opened, troubles, world, acquire };
}

describe("the pool", () => {
  test("opens its minimum when it resumes and nothing before", async () => {
    const { clock, pool, opened } = setUp();
    await clock.advance(100);
    expect(opened.length).toBe(0);
    pool.setMode("running");
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2, active: 0 });
  });

  test("never opens more than max, and the one too many waits until a lease comes back", async () => {
    const { clock, pool, acquire } = setUp({ poolMax: 3 });
    pool.setMode("running");
    const leases = Promise.all([acquire(), acquire(), acquire()]);
    await clock.advance(100);
    const [first] = await leases;
    let isServed = false;
    void acquire().then(() => {
      isServed = true;
    });
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ total: 3, active: 3, waiting: 1 });
    expect(isServed).toBe(false);
    pool.release(first as FakeConnection);
    await settle();
    expect(isServed).toBe(true);
    expect(pool.stats().total).toBe(3);
  });

  test("connections that are on their way for too long are given up, and others opened in their place", async () => {
    const { clock, pool, world, troubles } = setUp();
    world.openMs = 5000;
    pool.setMode("running");
    const leases = Array.from({ length: 6 }, () => pool.acquire({ at: 10_000 }, clock.now()));
    await clock.advance(2000);
    expect(pool.stats()).toMatchObject({ total: 0, opening: 2 });
    world.openMs = 10;
    pool.renewOpenings(-1);
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ total: 0, opening: 2 });
    pool.renewOpenings(0);
    await clock.advance(100);
    await Promise.all(leases);
    expect(pool.stats()).toMatchObject({ total: 6, opening: 0 });
    await clock.advance(5000);
    expect(pool.stats()).toMatchObject({ total: 6, opening: 0 });
    expect(troubles).toEqual([]);
  });

  test("opens at most four at once while it fills", async () => {
    const { clock, pool, acquire, world } = setUp();
    pool.setMode("running");
    const leases = Array.from({ length: 20 }, acquire);
    await clock.advance(200);
    await Promise.all(leases);
    expect(world.mostConcurrent).toBe(4);
    expect(pool.stats()).toMatchObject({ total: 20, active: 20 });
  });

  test("opens two at once in the beginning, until two are open", async () => {
    const { clock, pool, acquire, world } = setUp();
    pool.setMode("running");
    const leases = Array.from({ length: 20 }, acquire);
    const concurrent: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      concurrent.push(world.concurrent);
      await clock.advance(world.openMs);
    }
    expect(concurrent).toEqual([2, 4, 4]);
    await clock.advance(200);
    await Promise.all(leases);
  });

  test("uses the connection that was used last, so that the others may rest and go", async () => {
    const { clock, pool, acquire } = setUp({ poolMin: 3 });
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    pool.release(lease);
    expect(await acquire()).toBe(lease);
  });

  test("acquire-timeout ends the wait when it is earlier than the deadline", async () => {
    const { clock, pool } = setUp({ acquireTimeoutMs: 100 });
    const waiting = pool.acquire({ at: 5000 }, clock.now()).catch((error) => error);
    await clock.advance(140);
    expect(await waiting).toMatchObject({ code: "POOL_EXHAUSTED" });
  });

  test("a connection that comes back after the deadline of all who wait is idle", async () => {
    const { clock, pool, acquire } = setUp({ poolMax: 1, poolMin: 1 });
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    const waiting = pool.acquire({ at: clock.now() + 10 }, clock.now()).catch((error) => error);
    await clock.advance(11);
    lease.lastAnswerAt = clock.now();
    pool.release(lease);
    expect(await waiting).toMatchObject({ code: "POOL_EXHAUSTED" });
    expect(pool.stats()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
    expect(pool.leased()).toEqual([]);
    expect(pool.tryAcquire(clock.now())).toBe(lease);
  });

  test("a lost connection is reported and replaced", async () => {
    const { clock, pool, opened, troubles } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    opened[0]?.drop();
    expect(troubles.map((error) => error.reason)).toEqual(["CONNECTION_CLOSED"]);
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    expect(opened.length).toBe(3);
  });

  test("a connection given back with a statement on its way is reset, not reused", async () => {
    const { clock, pool, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    lease.isBusy = true;
    pool.release(lease);
    expect(lease.end).toBe("destroyed");
  });

  test("a new generation resets every connection, also the leased ones when they come back", async () => {
    const { clock, pool, opened, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    pool.startGeneration("DATABASE_UNAVAILABLE", "lost");
    expect(opened.map(({ end }) => end)).toEqual(["destroyed", "destroyed"]);
    pool.release(lease);
    expect(pool.stats()).toMatchObject({ total: 0, generation: 2 });
    pool.setMode("running");
    await clock.advance(100);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
  });

  test("a connection of an older generation that opens late is not let in", async () => {
    const { clock, pool, opened } = setUp();
    pool.setMode("running");
    pool.startGeneration("DATABASE_UNAVAILABLE", "lost");
    expect(pool.stats().opening).toBe(0);
    await clock.advance(100);
    expect(opened.map(({ end }) => end)).toEqual(["destroyed", "destroyed"]);
    expect(pool.stats().total).toBe(0);
  });

  test("while proving, an idle connection is asked first, and one that does not answer is never handed out", async () => {
    const { clock, pool, opened, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const [good, dead] = opened as [FakeConnection, FakeConnection];
    dead.isAnswering = false;
    pool.setMode("proving");
    expect(pool.tryAcquire(clock.now())).toBeUndefined();
    const leases = [acquire(), acquire().catch((error) => error)];
    await clock.advance(10);
    expect(await leases[0]).toBe(good);
    expect(dead.end).not.toBe("open");
    expect(pool.stats()).toMatchObject({ total: 1, waiting: 1 });
    pool.release(good);
    expect(await leases[1]).toBe(good);
  });

  test("while not opening, a connection past its lifetime is better than none", async () => {
    const { clock, pool, acquire } = setUp({ maxLifetimeMs: 1000 });
    pool.setMode("running");
    await clock.advance(100);
    pool.setMode("not-opening");
    await clock.advance(2000);
    pool.tidy();
    const lease = await acquire();
    pool.release(lease);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    pool.setMode("running");
    pool.tidy();
    await clock.advance(100);
    expect(lease.end).toBe("closed");
  });

  test("while not opening, it leases what it has and opens nothing", async () => {
    const { clock, pool, opened, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    pool.setMode("not-opening");
    const leases = await Promise.all([acquire(), acquire()]);
    const third = acquire();
    await clock.advance(500);
    expect(opened.length).toBe(2);
    pool.release(leases[0] as FakeConnection);
    expect(await third).toBe(leases[0] as FakeConnection);
  });

  test("while not opening, the loss of its last connection is told, whatever ended it", async () => {
    const { clock, pool, troubles, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const leases = [await acquire(), await acquire()] as const;
    pool.setMode("not-opening");
    for (const lease of leases) {
      expect(troubles).toEqual([]);
      lease.isInTransaction = true;
      pool.release(lease);
    }
    expect(troubles.map(({ reason }) => reason)).toEqual(["EMPTY_POOL"]);
  });

  test("answers() asks idle connections; nobody there means no", async () => {
    const { clock, pool, opened } = setUp();
    expect(await pool.answers(1000)).toBe(false);
    pool.setMode("running");
    await clock.advance(100);
    expect(await pool.answers(1000)).toBe(true);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    for (const connection of opened) connection.isAnswering = false;
    expect(await pool.answers(1000)).toBe(false);
  });

  test("answers() waits for a while for leased connections to be heard of", async () => {
    const { clock, pool, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const connection = (await acquire()) as FakeConnection;
    await acquire();
    const heard = pool.answers(clock.now() + 2000);
    await clock.advance(100);
    connection.lastAnswerAt = clock.now();
    await clock.advance(20);
    expect(await heard).toBe(true);
    const silent = pool.answers(clock.now() + 2000);
    await clock.advance(510);
    expect(await silent).toBe(false);
  });

  test("a connection that comes back in a transaction is not used again", async () => {
    const { clock, pool, acquire } = setUp();
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    lease.isInTransaction = true;
    pool.release(lease);
    expect(lease.end).toBe("closed");
  });

  describe("the first connection of an empty pool, with others waiting", () => {
    async function setUpFirst() {
      const { clock, pool } = setUp({ poolMin: 0 });
      const served: FakeConnection[] = [];
      const first = new FakeConnection(0, clock.now());
      first.lastAnswerAt = clock.now();
      for (let i = 0; i < 5; i++) {
        pool.acquire({ at: 5000 }, clock.now()).then(
          (lease) => served.push(lease),
          () => {},
        );
      }
      pool.add(first);
      pool.setMode("running");
      await settle();
      expect(served).toEqual([first]);
      return { clock, pool, first, served };
    }

    test("has the server to itself until its first answer", async () => {
      const { clock, pool, first, served } = await setUpFirst();
      await clock.advance(20);
      expect(pool.stats()).toMatchObject({ total: 1, opening: 0, waiting: 4 });
      first.lastAnswerAt = clock.now();
      pool.release(first);
      await settle();
      expect(served).toEqual([first, first]);
      expect(pool.stats()).toMatchObject({ total: 1, opening: 2, waiting: 3 });
    });

    test("or for 50 ms, if that takes longer", async () => {
      const { clock, pool } = await setUpFirst();
      await clock.advance(49);
      expect(pool.stats()).toMatchObject({ total: 1, opening: 0, waiting: 4 });
      await clock.advance(1);
      expect(pool.stats()).toMatchObject({ total: 1, opening: 2, waiting: 4 });
    });

    test("is waited for by nobody once the pool is closed", async () => {
      const { clock, pool } = await setUpFirst();
      const closed = pool.close(clock.now());
      await clock.advance(20);
      await closed;
      expect(clock.pending).toBe(0);
    });
  });

  test("a failure to open is reported and opening pauses, while waiters stay", async () => {
    const { clock, pool, troubles, world, acquire } = setUp({ poolMin: 0 });
    pool.setMode("running");
    const first = acquire();
    await clock.advance(100);
    world.failure = new DebyError("DATABASE_UNAVAILABLE", "too many clients", { reason: "53300" });
    const waiting = pool.acquire({ at: 5000 }, clock.now());
    await clock.advance(400);
    expect(troubles.length).toBe(1);
    expect(pool.stats().waiting).toBe(1);
    world.failure = undefined;
    await clock.advance(200);
    pool.tidy();
    await clock.advance(100);
    expect([(await first).id, (await waiting).id]).toEqual([0, 1]);
  });

  test("with none open the pause is shorter, at first, and ends by itself", async () => {
    const { clock, pool, troubles, world } = setUp({ poolMin: 0 });
    world.failure = new DebyError("DATABASE_UNAVAILABLE", "ended by an administrator", { reason: "57P01" });
    pool.setMode("running");
    const waiting = pool.acquire({ at: 20_000 }, clock.now());
    await clock.advance(65);
    expect(troubles.length).toBe(1);
    // 10 ms for each, and 50, 100, 200, 400, 500, 500 … between them.
    await clock.advance(10_000);
    expect(troubles.length).toBe(23);
    world.failure = undefined;
    await clock.advance(600);
    expect((await waiting).id).toBe(0);
  });

  describe("close()", () => {
    const codeOf = (lease: Promise<FakeConnection>) =>
      lease.then(
        ({ id }) => id,
        (error: DebyError) => error.code,
      );

    test("ends idle connections politely once nobody holds one", async () => {
      const { clock, pool, opened, acquire } = setUp();
      pool.setMode("running");
      await clock.advance(100);
      const lease = await acquire();
      const closing = pool.close(clock.now() + 1000);
      await settle();
      expect(opened.map(({ end }) => end)).toEqual(["open", "open"]);
      pool.release(lease);
      await closing;
      expect(opened.map(({ end }) => end)).toEqual(["closed", "closed"]);
    });

    test("waits for leased connections, and resets what is left at the deadline", async () => {
      const { clock, pool, opened, acquire } = setUp({ poolMin: 3 });
      pool.setMode("running");
      await clock.advance(100);
      const onTime = await acquire();
      const late = await acquire();
      const closing = pool.close(clock.now() + 1000);
      pool.release(onTime);
      await clock.advance(999);
      expect(opened.map(({ end }) => end)).toEqual(["open", "open", "open"]);
      await clock.advance(1);
      await closing;
      expect(late.end).toBe("destroyed");
      expect(opened.filter(({ isLost }) => !isLost)).toEqual([]);
      expect(clock.pending).toBe(0);
    });

    test("gives those who hold a connection what else they need: an idle one, a released one, a new one", async () => {
      const { clock, pool, acquire } = setUp({ poolMax: 3 });
      pool.setMode("running");
      await clock.advance(100);
      const holder = await acquire();
      const closing = pool.close(clock.now() + 10_000);
      const idle = await acquire();
      const opening = acquire();
      await clock.advance(100);
      const fresh = await opening;
      const waiting = acquire();
      pool.release(idle);
      expect(await waiting).toBe(idle);
      for (const lease of [idle, fresh, holder]) pool.release(lease);
      await closing;
      expect([holder, idle, fresh].map(({ end }) => end)).toEqual(["closed", "closed", "closed"]);
      await clock.advance(100);
      expect(clock.pending).toBe(0);
    });

    test("sends away who waits or comes once the work that was in flight is done", async () => {
      const { clock, pool, acquire } = setUp({ poolMax: 2 });
      pool.setMode("running");
      await clock.advance(100);
      const [first, second] = [await acquire(), await acquire()];
      const closing = pool.close(clock.now() + 10_000);
      const served = acquire();
      const waiting = codeOf(acquire());
      pool.release(first);
      expect(await served).toBe(first);
      second.isBusy = true;
      pool.release(second);
      expect(await waiting).toBe("SHUTTING_DOWN");
      expect(await codeOf(acquire())).toBe("SHUTTING_DOWN");
      pool.release(first);
      await closing;
      await clock.advance(100);
      expect(clock.pending).toBe(0);
    });

    test("waits for no connection that is only being proved", async () => {
      const { clock, pool, opened, acquire } = setUp();
      pool.setMode("running");
      await clock.advance(100);
      for (const connection of opened) connection.control = () => new Promise(() => {});
      pool.setMode("proving");
      const waiting = codeOf(acquire());
      await settle();
      await pool.close(clock.now() + 10_000);
      expect(await waiting).toBe("SHUTTING_DOWN");
      expect(opened.every(({ isLost }) => isLost)).toBe(true);
      expect(pool.stats().total).toBe(0);
    });
  });
});

describe("the housekeeper", () => {
  test("closes what rested for idle-timeout, down to the minimum", async () => {
    const { clock, pool, acquire } = setUp();
    const housekeeper = new Housekeeper(clock, pool);
    housekeeper.start();
    pool.setMode("running");
    const leases = Array.from({ length: 5 }, acquire);
    await clock.advance(100);
    for (const lease of await Promise.all(leases)) pool.release(lease);
    await clock.advance(9800);
    expect(pool.stats().total).toBe(5);
    await clock.advance(800);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    housekeeper.stop();
    expect(clock.pending).toBe(0);
  });

  test("closes nothing while the server refuses new connections", async () => {
    const { clock, pool, acquire } = setUp({ poolMin: 0 });
    const housekeeper = new Housekeeper(clock, pool);
    housekeeper.start();
    pool.setMode("running");
    const lease = acquire();
    await clock.advance(100);
    pool.release(await lease);
    pool.setMode("not-opening");
    await clock.advance(30_000);
    expect(pool.stats()).toMatchObject({ total: 1, idle: 1 });
    pool.setMode("running");
    await clock.advance(1000);
    expect(pool.stats().total).toBe(0);
    housekeeper.stop();
  });

  test("replaces what is older than max-lifetime, shortened by up to 10 %, but never in mid-lease", async () => {
    const { clock, pool, opened, acquire } = setUp({ maxLifetimeMs: 60_000 });
    const housekeeper = new Housekeeper(clock, pool);
    housekeeper.start();
    pool.setMode("running");
    await clock.advance(100);
    const lease = await acquire();
    await clock.advance(56_000);
    expect(opened.map(({ end }) => end)).toEqual(["open", "open"]);
    await clock.advance(2000);
    expect(lease.end).toBe("open");
    expect(opened.length).toBe(3);
    lease.lastAnswerAt = clock.now();
    pool.release(lease);
    await clock.advance(100);
    expect(lease.end).toBe("closed");
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    housekeeper.stop();
  });

  test("refills the minimum within a second of a loss", async () => {
    const { clock, pool, opened } = setUp();
    const housekeeper = new Housekeeper(clock, pool);
    housekeeper.start();
    pool.setMode("running");
    await clock.advance(100);
    for (const connection of [...opened]) connection.drop();
    await clock.advance(1000);
    expect(pool.stats()).toMatchObject({ total: 2, idle: 2 });
    housekeeper.stop();
  });
});
