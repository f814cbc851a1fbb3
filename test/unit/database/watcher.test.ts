import { describe, expect, test } from "bun:test";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import { codedError } from "../../../src/core/within.ts";
import { Watcher } from "../../../src/database/watcher.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { defaultSettings } from "../../support/settings.ts";

const wanted = new AbortController().signal;

class FakeConnection {
  isLost = false;
  destroy(): void {
    this.isLost = true;
  }
}

interface FakeDial extends PromiseWithResolvers<FakeConnection> {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Dials are answered by `connect`, where there is one, else by the test. */
function setUp({
  connect,
  random = () => 0.5,
  areSeveralHosts = false,
}: {
  readonly connect?: () => Promise<FakeConnection>;
  readonly random?: Random;
  readonly areSeveralHosts?: boolean;
} = {}) {
  const clock = new ManualClock();
  const dials: FakeDial[] = [];
  const watcher = new Watcher<FakeConnection>({
    clock,
    random,
    settings: defaultSettings,
    areSeveralHosts,
    connect: (deadlineAt, signal) => {
      const dial = {
        ...Promise.withResolvers<FakeConnection>(),
        limitMs: deadlineAt - clock.now(),
        signal,
      };
      dials.push(dial);
      return connect?.() ?? dial.promise;
    },
  });
  /** Of which nothing comes. */
  const lookInVain = async (forMs: number) => {
    const looking = watcher.look(clock.now() + 60_000, wanted);
    await clock.advance(forMs);
    expect(await looking).toBeUndefined();
  };
  return { clock, watcher, dials, lookInVain };
}

const refuse = () => Promise.reject(codedError("ECONNREFUSED", "refused"));

describe("the watcher's pause", () => {
  test("is 2 % of the outage's age, at least 50 ms and at most 2 s, and up to a fifth shorter by chance", () => {
    const pauses = (random: Random) => {
      const { watcher } = setUp({ connect: refuse, random });
      return [0, 1000, 5000, 10_000, 60_000, 100_000, 3_600_000].map((age) => watcher.pauseMs(age));
    };
    expect(pauses(() => 0)).toEqual([45, 45, 100, 200, 1200, 2000, 2000]);
    expect(pauses(() => 0.5)).toEqual([50, 50, 90, 180, 1080, 1800, 1800]);
    for (const [index, pause] of pauses(() => 1).entries()) {
      expect(pause).toBeCloseTo([55, 55, 80, 160, 960, 1600, 1600][index] ?? 0);
    }
  });

  test.each([
    ["refuses", ["ECONNREFUSED"]],
    ["starts", ["57P03"]],
    ["starts again and again", ["ECONNREFUSED", "57P03", "57P03", "57P03"]],
  ])(
    "of a server that %s keeps to 20 dials a second on average over the first 5 s, and to 1 over an hour",
    async (_, codes) => {
      const { watcher, clock } = setUp({ random: seededRandom(7) });
      let dials = 0;
      const dialUntil = async (ms: number) => {
        for (;;) {
          watcher.note(codedError(codes[dials % codes.length] ?? "", "not there yet"));
          const pauseMs = watcher.pauseMs(clock.now());
          if (clock.now() + pauseMs >= ms) return;
          dials += 1;
          await clock.advance(pauseMs);
        }
      };
      await dialUntil(5000);
      expect(dials / 5).toBeLessThanOrEqual(20);
      await dialUntil(3_600_000);
      expect(dials / 3600).toBeLessThanOrEqual(1);
    },
  );

  test.each([
    ["one host", false, { first: [10, 10, 10], later: [25, 25, 25] }],
    ["several hosts", true, { first: [50, 90, 810], later: [50, 90, 810] }],
  ])(
    "while %s says that it starts: a fourth of that, half the usual at most; from 5 s on and below the longest",
    async (_, areSeveralHosts, { first, later }) => {
      const { watcher, clock } = setUp({ areSeveralHosts });
      const pauses = () => [4000, 5000, 10_000, 90_000, 100_000].map((age) => watcher.pauseMs(age));
      const usual = [72, 90, 180, 1620, 1800];
      const note = (code: string) => watcher.note(codedError(code, "not there yet"));
      note("57P03");
      expect(pauses()).toEqual([72, ...first, 1800]);
      await clock.advance(100);
      note("57P03");
      expect(pauses()).toEqual([72, ...later, 1800]);
      await clock.advance(3900);
      expect(pauses()).toEqual([72, 50, 90, 810, 1800]);
      for (const code of ["53300", "ECONNREFUSED"]) {
        note(code);
        expect(pauses()).toEqual(usual);
        note("57P03");
        expect(pauses()).toEqual([72, ...first, 1800]);
      }
      // It has started three times already.
      note("ECONNREFUSED");
      note("57P03");
      expect(pauses()).toEqual([72, 50, 90, 810, 1800]);
      note("57P03");
      watcher.noteHandshake(10);
      expect(pauses()).toEqual(usual);
    },
  );

  test("is never under 250 ms once the answers have been 57P03 for 5 s", async () => {
    const { watcher, clock } = setUp({
      connect: () => Promise.reject(codedError("57P03", "starting up")),
    });
    await watcher.look(500, wanted);
    expect(watcher.pauseMs(1000)).toBe(50);
    await clock.advance(5000);
    await watcher.look(5500, wanted);
    expect([1000, 50_000].map((age) => watcher.pauseMs(age))).toEqual([250, 900]);
    watcher.note(codedError("ECONNREFUSED", "refused"));
    expect(watcher.pauseMs(1000)).toBe(50);
  });
});

describe("a look", () => {
  test("is over as soon as its dial is refused", async () => {
    const { watcher } = setUp({ connect: refuse });
    expect(await watcher.look(60_000, wanted)).toBeUndefined();
  });

  test.each([
    ["of several hosts", true, 1],
    ["of one host, where two others may be on their way beside it", false, 3],
  ])(
    "%s lasts for its part of ten good handshakes, 500 ms to connect-timeout, never beyond its deadline",
    async (_, areSeveralHosts, parts) => {
      const { watcher, clock } = setUp({ areSeveralHosts });
      const lastsMs = async (deadlineMs = 60_000) => {
        const startedAt = clock.now();
        let endedAt = Number.NaN;
        void watcher.look(startedAt + deadlineMs, wanted).then(() => {
          endedAt = clock.now();
        });
        await clock.advance(10_000);
        return endedAt - startedAt;
      };
      expect(await lastsMs()).toBe(500);
      watcher.noteHandshake(300);
      expect(await lastsMs()).toBe(3000 / parts);
      watcher.noteHandshake(6000);
      expect(await lastsMs()).toBe(5000);
      expect(await lastsMs(300)).toBe(300);
    },
  );

  test("gives a dial of one host ten good handshakes, though others are made meanwhile", async () => {
    const { watcher, clock, dials, lookInVain } = setUp();
    watcher.noteHandshake(300);
    for (let look = 0; look < 2; look += 1) await lookInVain(1000);
    const looking = watcher.look(60_000, wanted);
    await clock.advance(999);
    const connection = new FakeConnection();
    dials[0]?.resolve(connection);
    expect(await looking).toBe(connection);
  });

  test("leaves its dial on the way beside later ones, the oldest and the two newest, whichever is answered first", async () => {
    for (const answered of [0, 2]) {
      const { watcher, dials, lookInVain } = setUp();
      const areGivenUp = () => dials.map(({ signal }) => signal.aborted);
      for (let look = 0; look < 3; look += 1) await lookInVain(500);
      expect(areGivenUp()).toEqual([false, false, false]);
      const looking = watcher.look(60_000, wanted);
      expect(areGivenUp()).toEqual([false, true, false, false]);
      const connection = new FakeConnection();
      dials[answered]?.resolve(connection);
      expect(await looking).toBe(connection);
      watcher.noteHandshake(5);
      expect(areGivenUp()).toEqual([0, 1, 2, 3].map((dial) => dial !== answered));
    }
  });

  test("keeps no dial on its way that has failed: the next oldest takes its place", async () => {
    const { clock, dials, lookInVain } = setUp();
    for (let look = 0; look < 3; look += 1) await lookInVain(500);
    dials[0]?.reject(codedError("ETIMEDOUT", "silence"));
    await clock.advance(1);
    for (let look = 0; look < 2; look += 1) await lookInVain(500);
    expect(dials.map(({ signal }) => signal.aborted)).toEqual([false, false, true, false, false]);
  });

  test("is not ended by an older dial that fails", async () => {
    const { watcher, clock, dials, lookInVain } = setUp();
    await lookInVain(500);
    const looking = watcher.look(60_000, wanted);
    dials[0]?.reject(codedError("ETIMEDOUT", "silence"));
    await clock.advance(499);
    const connection = new FakeConnection();
    dials[1]?.resolve(connection);
    expect(await looking).toBe(connection);
  });

  test("of several hosts ends with its dial, which is a search", async () => {
    const { dials, lookInVain } = setUp({ areSeveralHosts: true });
    await lookInVain(500);
    expect(dials.map(({ limitMs }) => limitMs)).toEqual([500]);
  });
});

describe("the wait between looks", () => {
  test("is over when an earlier look is answered", async () => {
    const { watcher, clock, dials, lookInVain } = setUp();
    await lookInVain(500);
    const waiting = watcher.wait(clock.now() + 2000, wanted);
    const connection = new FakeConnection();
    dials[0]?.resolve(connection);
    expect(await waiting).toBe(connection);
  });

  test("gives nothing that was lost before it began", async () => {
    const { watcher, clock, dials, lookInVain } = setUp();
    await lookInVain(500);
    const connection = new FakeConnection();
    dials[0]?.resolve(connection);
    await clock.advance(1);
    connection.destroy();
    expect(await watcher.wait(clock.now(), wanted)).toBeUndefined();
  });
});

test("a dial that fails after its look ends no pause", async () => {
  const { watcher, clock, dials, lookInVain } = setUp();
  await lookInVain(500);
  const startedAt = clock.now();
  let endedAt = Number.NaN;
  void watcher.wait(startedAt + 2000, wanted).then(() => {
    endedAt = clock.now();
  });
  await clock.advance(100);
  dials[0]?.reject(codedError("ETIMEDOUT", "silence"));
  await clock.advance(2000);
  expect(endedAt - startedAt).toBe(2000);
});

test("what is answered when nobody wants it any more is given up", async () => {
  const { watcher, clock, dials, lookInVain } = setUp();
  await lookInVain(500);
  await lookInVain(500);
  const [early, late] = [new FakeConnection(), new FakeConnection()];
  dials[0]?.resolve(early);
  await clock.advance(1);
  watcher.giveUp();
  dials[1]?.resolve(late);
  await clock.advance(1);
  expect([early.isLost, late.isLost]).toEqual([true, true]);
  expect(clock.pending).toBe(0);
});
