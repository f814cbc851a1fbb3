import { describe, expect, test } from "bun:test";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import { codedError } from "../../../src/core/within.ts";
import { Watcher } from "../../../src/database/watcher.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { defaultSettings } from "../../support/settings.ts";

const wanted = new AbortController().signal;

function setUp(
  connect: () => Promise<string>,
  knock: () => Promise<void> = () => Promise.resolve(),
  random: Random = () => 0.5,
) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const limits: number[] = [];
  const watcher = new Watcher<string>({
    clock,
    random,
    settings: defaultSettings,
    connect: (deadlineAt) => {
      calls.push("connect");
      limits.push(deadlineAt - clock.now());
      return connect();
    },
    knock: () => {
      calls.push("knock");
      return knock();
    },
  });
  return { clock, watcher, calls, limits };
}

const refuse = () => Promise.reject(codedError("ECONNREFUSED", "refused"));

describe("the watcher's pause", () => {
  test("is 2 % of the outage's age, at least 50 ms and at most 2 s, and up to a fifth shorter by chance", () => {
    const pauses = (random: Random) => {
      const { watcher } = setUp(refuse, undefined, random);
      return [0, 1000, 5000, 10_000, 60_000, 100_000, 3_600_000].map((age) => watcher.pauseMs(age));
    };
    expect(pauses(() => 0)).toEqual([45, 45, 100, 200, 1200, 2000, 2000]);
    expect(pauses(() => 0.5)).toEqual([50, 50, 90, 180, 1080, 1800, 1800]);
    for (const [index, pause] of pauses(() => 1).entries()) {
      expect(pause).toBeCloseTo([55, 55, 80, 160, 960, 1600, 1600][index] ?? 0);
    }
  });

  test("keeps to 20 dials a second on average over the first 5 s, and to 1 over an hour", () => {
    const watcher = new Watcher<string>({
      clock: new ManualClock(),
      random: seededRandom(7),
      settings: defaultSettings,
      connect: refuse,
      knock: refuse,
    });
    const dialsWithin = (ms: number) => {
      let dials = 0;
      for (let age = watcher.pauseMs(0); age < ms; age += watcher.pauseMs(age)) dials += 1;
      return dials;
    };
    expect(dialsWithin(5000) / 5).toBeLessThanOrEqual(20);
    expect(dialsWithin(3_600_000) / 3600).toBeLessThanOrEqual(1);
  });

  test("is never under 250 ms once the answers have been 57P03 for 5 s", async () => {
    const { watcher, clock } = setUp(() => Promise.reject(codedError("57P03", "starting up")));
    await watcher.look(500, wanted);
    expect(watcher.pauseMs(1000)).toBe(50);
    await clock.advance(5000);
    await watcher.look(5500, wanted);
    expect(watcher.pauseMs(1000)).toBe(250);
    watcher.note(codedError("ECONNREFUSED", "refused"));
    expect(watcher.pauseMs(1000)).toBe(50);
  });
});

describe("a look", () => {
  test("is a bare TCP connect while the port refuses, and a handshake as soon as something listens", async () => {
    let isListening = false;
    const { watcher, calls } = setUp(
      () => (isListening ? Promise.resolve("connection") : refuse()),
      () => (isListening ? Promise.resolve() : refuse()),
    );
    expect(await watcher.look(1000, wanted)).toBeUndefined();
    expect(await watcher.look(1000, wanted)).toBeUndefined();
    isListening = true;
    expect(await watcher.look(1000, wanted)).toBe("connection");
    expect(calls).toEqual(["connect", "knock", "knock", "connect"]);
  });

  test("never costs two dials twice in a row where a knock is answered and the handshake refused", async () => {
    const { watcher, calls } = setUp(refuse, () => Promise.resolve());
    for (let look = 0; look < 4; look += 1) await watcher.look(1000, wanted);
    expect(calls).toEqual(["connect", "knock", "connect", "connect", "knock", "connect"]);
  });

  test("goes straight to the handshake when something accepts and closes, as Docker's port proxy does", async () => {
    const { watcher, calls } = setUp(() => Promise.reject(codedError("CONNECTION_CLOSED", "closed")));
    await watcher.look(1000, wanted);
    await watcher.look(1000, wanted);
    expect(calls).toEqual(["connect", "connect"]);
  });

  test("may take ten good handshakes, at least 500 ms, at most connect-timeout, and never beyond its deadline", async () => {
    const { watcher, limits } = setUp(() => Promise.reject(codedError("ETIMEDOUT", "silence")));
    await watcher.look(60_000, wanted);
    watcher.noteHandshake(200);
    await watcher.look(60_000, wanted);
    watcher.noteHandshake(3000);
    await watcher.look(60_000, wanted);
    await watcher.look(300, wanted);
    expect(limits).toEqual([500, 2000, 5000, 300]);
  });
});
