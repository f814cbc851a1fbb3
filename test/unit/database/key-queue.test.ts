import { describe, expect, test } from "bun:test";
import { KeyQueue, type OnceResult } from "../../../src/database/key-queue.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

const KEY = { scope: "shop", key: "k" };

function setUp() {
  const clock = new ManualClock();
  const queue = new KeyQueue(clock);
  const runs: PromiseWithResolvers<OnceResult>[] = [];
  const call = (options: { at?: number; fingerprint?: string; scope?: string; signal?: AbortSignal } = {}) => {
    const { at = 1000, fingerprint, scope = KEY.scope, signal } = options;
    const deadline = signal === undefined ? { at } : { at, signal };
    return queue.run({ ...KEY, scope }, { fingerprint, deadline }, () => {
      const run = Promise.withResolvers<OnceResult>();
      runs.push(run);
      return run.promise;
    });
  };
  return { clock, queue, runs, call };
}

describe("equal keys in one process", () => {
  test("one runs, the others get its result as a replay", async () => {
    const { queue, runs, call } = setUp();
    const calls = [call(), call(), call()];
    await settle();
    expect([runs.length, queue.has("k"), queue.has("other")]).toEqual([1, true, false]);
    runs[0]?.resolve({ result: "1", isReplay: false });
    expect(await Promise.all(calls)).toEqual([
      { result: "1", isReplay: false },
      { result: "1", isReplay: true },
      { result: "1", isReplay: true },
    ]);
    expect(queue.has("k")).toBe(false);
  });

  test("where it fails, the next one tries for itself, and the error is told to its own caller only", async () => {
    const { runs, call } = setUp();
    const [first, second, third] = [call(), call(), call()];
    runs[0]?.reject(new Error("no"));
    expect(await first.catch((error: Error) => error.message)).toBe("no");
    await settle();
    expect(runs.length).toBe(2);
    runs[1]?.resolve({ result: "2", isReplay: false });
    expect([await second, await third].map(({ result }) => result)).toEqual(["2", "2"]);
  });

  test("where it fails, whoever has hardly any time left does not try", async () => {
    const { clock, runs, call } = setUp();
    const first = call();
    const hasty = call({ at: 550 }).catch((error) => error);
    await clock.advance(500);
    runs[0]?.reject(new Error("no"));
    expect(await first.catch((error: Error) => error.message)).toBe("no");
    expect(await hasty).toMatchObject({ code: "KEY_IN_PROGRESS" });
    expect(runs.length).toBe(1);
  });

  test("another scope is another key, another fingerprint a mistake", async () => {
    const { runs, call } = setUp();
    void call({ fingerprint: "a" });
    void call({ scope: "other" });
    expect(runs.length).toBe(2);
    expect(await call({ fingerprint: "b" }).catch((error) => error.code)).toBe("KEY_REUSED");
  });

  test("whoever cannot wait any longer is told that the first one still runs", async () => {
    const { clock, runs, call } = setUp();
    void call({ at: 5000 });
    const away = new AbortController();
    const hasty = call({ at: 300 }).catch((error) => error);
    const gone = call({ at: 5000, signal: away.signal }).catch((error) => error);
    away.abort();
    expect(await gone).toMatchObject({ code: "ABORTED", outcome: "not-executed" });
    await clock.advance(400);
    expect(await hasty).toMatchObject({ code: "KEY_IN_PROGRESS", retryAfterMs: 1000, outcome: "not-executed" });
    runs[0]?.resolve({ result: null, isReplay: false });
    await settle();
    expect(clock.pending).toBe(0);
  });
});
