import { expect, test } from "bun:test";
import { cutChart } from "../../../src/outage/chart.ts";
import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import { makeEntry, makeFailure, makeOpen } from "./entries.ts";

function chartOf(endedAt: number, entries: readonly LedgerEntry[] = [], recoveredAt?: number) {
  const moments = {
    loadAt: 1_000,
    injectedAt: 1_100,
    faultAt: 1_200,
    healedAt: undefined,
    dbReadyAt: undefined,
    endedAt,
  };
  return cutChart({ moments, entries, health: [], requestTimeoutMs: 30_000 }, recoveredAt);
}

test.each([
  [1_000, 100, 10],
  [24_000, 200, 120],
  [60_000, 500, 120],
  [3_600_000, 30_000, 120],
  [36_000_000, 60_000, 600],
])("cutChart() of %p ms has columns of %p ms", (durationMs, binMs, bins) => {
  const chart = chartOf(1_000 + durationMs);
  expect([chart.durationMs, chart.binMs, chart.bins.length]).toEqual([durationMs, binMs, bins]);
});

test("cutChart() counts and measures requests where they were meant to start", () => {
  const entries = [
    makeEntry({ intendedAt: 1_000 }),
    makeEntry({ intendedAt: 1_050, endedAt: 9_050 }),
    makeFailure({ intendedAt: 1_099, endedAt: 1_100 }),
    makeOpen({ intendedAt: 1_150 }),
    makeEntry({ intendedAt: 90_000 }),
  ];
  const [first, second, third] = chartOf(2_000, entries).bins;
  expect(first?.counts).toEqual({ ok: 1, held: 1, cut: 0, failedFast: 1, timedOut: 0, hung: 0 });
  expect([first?.p50Ms, first?.maxMs]).toEqual([5, 8_000]);
  expect(second).toMatchObject({ counts: { cut: 1 }, p50Ms: null, maxMs: null });
  expect(third?.counts.ok).toBe(0);
});

test("cutChart() marks the moments that there were, from the load's start", () => {
  expect(chartOf(2_000).marks).toEqual({ faultMs: 200, healedMs: undefined, recoveredMs: undefined });
  expect(chartOf(2_000, [], 1_900).marks.recoveredMs).toBe(900);
});
