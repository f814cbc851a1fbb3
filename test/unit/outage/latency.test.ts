import { expect, test } from "bun:test";
import { latencyByWindow, percentile, summarizeLatencies } from "../../../src/outage/latency.ts";
import { makeEntry } from "./entries.ts";

test("percentile() takes the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0.5, 0.95, 0.99, 1].map((part) => percentile(hundred, part))).toEqual([50, 95, 99, 100]);
  expect([0.5, 0.95].map((part) => percentile([7], part))).toEqual([7, 7]);
  expect(percentile([], 0.5)).toBeNull();
});

test("summarizeLatencies() sorts, and is null without values", () => {
  expect(summarizeLatencies([30, 1.26, 2])).toEqual({ p50: 2, p95: 30, p99: 30, max: 30 });
  expect(summarizeLatencies([])).toEqual({ p50: null, p95: null, p99: null, max: null });
});

test("latencyByWindow() counts a request where it was meant to start, from that moment on", () => {
  const entries = [
    makeEntry({ intendedAt: 0, startedAt: 40, endedAt: 50 }),
    makeEntry({ intendedAt: 100, endedAt: 10_100 }),
    makeEntry({ intendedAt: 300, endedAt: 303 }),
  ];
  const { before, during, after } = latencyByWindow(entries, { injectedAt: 100, recoveredAt: 300 });
  expect([before.max, during.max, after.max]).toEqual([50, 10_000, 3]);
});

test("latencyByWindow() counts a hung request with all its waiting, and leaves out what was cut off", () => {
  const entries = [
    makeEntry({ intendedAt: 0, ending: "hung", endedAt: 35_000 }),
    makeEntry({ intendedAt: 0, ending: "cut", endedAt: 90_000 }),
  ];
  expect(latencyByWindow(entries, { injectedAt: undefined, recoveredAt: undefined }).before.max).toBe(35_000);
});
