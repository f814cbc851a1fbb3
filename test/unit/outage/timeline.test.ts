import { expect, test } from "bun:test";
import { cutTimeline, type TimelineInput } from "../../../src/outage/timeline.ts";
import { makeEntry, makeFailure, makeOpen, saw } from "./entries.ts";

const INPUT: TimelineInput = {
  startedAt: 1_000,
  endedAt: 2_000,
  injectedAt: 1_300,
  healedAt: 1_600,
  recoveredAt: 1_800,
  health: [],
  entries: [],
  requestTimeoutMs: 30_000,
};

test.each([
  [1_000, 50, 20],
  [8_000, 100, 80],
  [24_000, 500, 48],
  [80_000, 1_000, 80],
  [600_000, 1_000, 600],
])("cutTimeline() of %p ms has cells of %p ms", (durationMs, cellMs, cells) => {
  expect(cutTimeline({ ...INPUT, endedAt: INPUT.startedAt + durationMs })).toMatchObject({ cellMs, cells });
});

test("cutTimeline() knows the phases that there were", () => {
  expect(cutTimeline(INPUT).phases).toEqual([
    { name: "warm-up", fromMs: 0, toMs: 300 },
    { name: "outage", fromMs: 300, toMs: 600 },
    { name: "recovery", fromMs: 600, toMs: 800 },
    { name: "settled", fromMs: 800, toMs: 1_000 },
  ]);
  const early = cutTimeline({ ...INPUT, injectedAt: undefined, healedAt: undefined, recoveredAt: undefined });
  expect(early.phases).toEqual([{ name: "warm-up", fromMs: 0, toMs: 1_000 }]);
  const down = cutTimeline({ ...INPUT, injectedAt: 400 });
  expect(down.phases.map(({ name, fromMs }) => [name, fromMs])).toEqual([
    ["outage", 0],
    ["recovery", 600],
    ["settled", 800],
  ]);
});

test("cutTimeline() shows the worst request of each cell, by when it was meant to start", () => {
  const entries = [
    makeEntry({ intendedAt: 1_000 }),
    makeEntry({ intendedAt: 1_050, endedAt: 9_000 }),
    makeFailure({ intendedAt: 1_060 }),
    makeEntry({ intendedAt: 1_070 }),
    makeOpen({ intendedAt: 1_100 }),
    makeEntry({ intendedAt: 1_150, kind: "read", status: 200 }),
  ];
  const { writes, reads } = cutTimeline({ ...INPUT, entries });
  expect(writes.slice(0, 4)).toEqual(["ok", "failedFast", "cut", "none"]);
  expect(reads.slice(0, 4)).toEqual(["none", "none", "none", "ok"]);
});

test("cutTimeline() tells where the health was seen changing", () => {
  const health = [saw(1_010, "up"), saw(1_060, "up"), saw(1_080, "down"), saw(1_120, "down"), saw(5_000, "up")];
  expect(cutTimeline({ ...INPUT, health }).health.slice(0, 4)).toEqual(["yes", "mixed", "no", "none"]);
});

test("cutTimeline() joins what the server said of its circuit to stretches", () => {
  const health = [saw(1_010, "up"), saw(1_100, "up"), saw(1_310, "suspect"), saw(1_330, "down"), saw(5_000, "up")];
  expect(cutTimeline({ ...INPUT, health }).states).toEqual([
    { name: "up", isWell: true, fromMs: 10, toMs: 310 },
    { name: "suspect", isWell: false, fromMs: 310, toMs: 330 },
    { name: "down", isWell: false, fromMs: 330, toMs: 1_000 },
  ]);
});
