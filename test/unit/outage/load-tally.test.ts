import { expect, test } from "bun:test";
import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import { LoadTally } from "../../../src/outage/load-tally.ts";
import { makeEntry, makeFailure, makeOpen, saw } from "./entries.ts";

const NOTHING = { ok: 0, held: 0, failedFast: 0, timedOut: 0, hung: 0, waiting: 0 };

test("LoadTally counts each request once, however often it is asked and in whatever order they end", () => {
  const entries: LedgerEntry[] = [makeEntry(), makeOpen({ intendedAt: 10 }), makeFailure({ intendedAt: 20 })];
  const tally = new LoadTally({ entries, health: [], requestTimeoutMs: 30_000 });
  expect(tally.count()).toEqual({ ...NOTHING, ok: 1, failedFast: 1, waiting: 1 });
  expect(tally.count()).toEqual({ ...NOTHING, ok: 1, failedFast: 1, waiting: 1 });
  entries[1] = makeEntry({ intendedAt: 10, endedAt: 5_000 });
  entries.push(makeEntry({ ending: "hung" }), makeEntry({ ending: "cut" }));
  expect(tally.count()).toEqual({ ...NOTHING, ok: 1, failedFast: 1, held: 1, hung: 1 });
});

test("LoadTally tells what the server said of itself last", () => {
  const health = [saw(0, "up")];
  const tally = new LoadTally({ entries: [], health, requestTimeoutMs: 30_000 });
  expect(tally.circuit()).toBe("up");
  health.push(saw(20, "down"));
  expect(tally.circuit()).toBe("down");
});
