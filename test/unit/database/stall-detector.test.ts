import { describe, expect, test } from "bun:test";
import { StallDetector } from "../../../src/database/stall-detector.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function setUp() {
  const clock = new ManualClock();
  const connection = { isBusy: true, chunksReceived: 7, unsentBytes: 0, leasedAt: 0, idleSince: 0, lastAnswerAt: 0 };
  const world = { connections: [connection], isWanted: false };
  const toldAt: number[] = [];
  const detector = new StallDetector({
    clock,
    stallAfterMs: 2000,
    connections: () => world.connections,
    isWanted: () => world.isWanted,
    onStall: () => void toldAt.push(clock.now()),
  });
  detector.start();
  return { clock, connection, toldAt, detector, world };
}

describe("the stall detector", () => {
  test("tells of a statement that waits for stall-after without a byte, and again when it has waited twice as long", async () => {
    const { clock, connection, toldAt, detector } = setUp();
    await clock.advance(1900);
    expect(toldAt).toEqual([]);
    await clock.advance(200);
    expect(toldAt).toEqual([2000]);
    expect(detector.takeDue().map((stall) => stall.connection)).toEqual([connection]);
    expect(detector.takeDue()).toEqual([]);
    await clock.advance(1900);
    expect(toldAt).toEqual([2000, 4000]);
    await clock.advance(4000);
    expect(toldAt).toEqual([2000, 4000, 8000]);
  });

  test("a byte of answer begins the wait anew", async () => {
    const { clock, connection, toldAt } = setUp();
    await clock.advance(1500);
    connection.chunksReceived += 1;
    await clock.advance(1900);
    expect(toldAt).toEqual([]);
    await clock.advance(300);
    expect(toldAt.length).toBe(1);
  });

  test("a statement that is still being sent is under way", async () => {
    const { clock, connection, toldAt } = setUp();
    for (const unsentBytes of [4000, 3000, 2000, 1000, 0]) {
      connection.unsentBytes = unsentBytes;
      await clock.advance(1000);
    }
    expect(toldAt).toEqual([2000, 4000]);
    await clock.advance(1500);
    expect(toldAt.length).toBe(3);
  });

  test("knows whether somebody waits, and for how long nothing has arrived", async () => {
    const { clock, connection, detector } = setUp();
    await clock.advance(3000);
    expect([detector.isWaitedForLessThan(5000), detector.isWaitedForLessThan(2500)]).toEqual([true, false]);
    connection.chunksReceived += 1;
    await clock.advance(200);
    expect(detector.isWaitedForLessThan(2500)).toBe(true);
    connection.isBusy = false;
    await clock.advance(200);
    expect(detector.isWaitedForLessThan(2500)).toBe(false);
  });

  test("a transaction whose function is busy elsewhere is no stall", async () => {
    const { clock, connection, toldAt } = setUp();
    connection.isBusy = false;
    await clock.advance(10_000);
    expect(toldAt).toEqual([]);
  });

  test("time in which our own event loop stood still is not the server's", async () => {
    const { clock, toldAt } = setUp();
    await clock.advance(1000);
    clock.stall(3000);
    await clock.advance(600);
    expect(toldAt).toEqual([]);
    await clock.advance(400);
    expect(toldAt.length).toBe(1);
  });

  test("a server that says nothing while somebody waits is noticed although no statement waits so long", async () => {
    const { clock, connection, toldAt, world, detector } = setUp();
    await clock.advance(1000);
    world.connections.length = 0;
    world.isWanted = true;
    await clock.advance(900);
    expect(toldAt).toEqual([]);
    await clock.advance(200);
    expect(toldAt).toEqual([2000]);
    expect(detector.takeDue()).toEqual([]);
    await clock.advance(2000);
    expect(toldAt).toEqual([2000, 4000]);
    world.connections.push({
      ...connection,
      isBusy: false,
      leasedAt: Number.POSITIVE_INFINITY,
      idleSince: clock.now() + 50,
    });
    await clock.advance(1900);
    expect(toldAt).toEqual([2000, 4000]);
    await clock.advance(300);
    expect(toldAt).toEqual([2000, 4000, 6200]);
  });

  test("nobody who waits hears no silence", async () => {
    const { clock, toldAt, world } = setUp();
    world.connections.length = 0;
    await clock.advance(10_000);
    expect(toldAt).toEqual([]);
  });

  test("leaves no timer when it is stopped", async () => {
    const { clock, detector } = setUp();
    await clock.advance(1000);
    detector.stop();
    expect(clock.pending).toBe(0);
  });
});
