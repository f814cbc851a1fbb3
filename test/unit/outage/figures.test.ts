import { expect, test } from "bun:test";
import { computeAvailability, computeFigures } from "../../../src/outage/figures.ts";
import type { Observations } from "../../../src/outage/observations.ts";
import { makeEntry, makeFailure, saw } from "./entries.ts";

const MOMENTS = {
  loadAt: 0,
  injectedAt: 5_000,
  faultAt: 5_200,
  healedAt: 15_200,
  dbReadyAt: 15_600,
  endedAt: 19_000,
} as const;

const recovered = [15_630, 15_640, 15_650, 15_660, 15_670].map((endedAt) => makeEntry({ intendedAt: 15_000, endedAt }));

function observe(changes: Partial<Observations> = {}): Observations {
  const health = [saw(4_000, "up"), saw(5_210, "down")];
  return { moments: MOMENTS, entries: recovered, health, requestTimeoutMs: 30_000, ...changes };
}

const figuresOf = (observations: Observations) => computeFigures(observations, { steadyForMs: 1_500 });

test("computeFigures() measures from the confirmed fault and from the healing", () => {
  expect(figuresOf(observe())).toEqual({ ttdMs: 10, dbReadyMs: 400, ttrMs: 430, appLagMs: 30, steadyMs: 430 });
});

test("computeFigures() gives a server that knew before the probe a ttd of 0", () => {
  expect(figuresOf(observe({ health: [saw(5_100, "down")] })).ttdMs).toBe(0);
});

test("computeFigures() does not take trouble before the fault for its detection", () => {
  const health = [saw(100, "down"), saw(5_700, "down")];
  expect(figuresOf(observe({ health })).ttdMs).toBe(500);
});

test("computeFigures() has no ttd where the health never changed", () => {
  expect(figuresOf(observe({ health: [saw(9_000, "up")] })).ttdMs).toBeNull();
});

test("computeFigures() takes a write that succeeded for a proof that the database was ready", () => {
  const moments = { ...MOMENTS, dbReadyAt: 15_634 };
  expect(figuresOf(observe({ moments }))).toMatchObject({ dbReadyMs: 430, ttrMs: 430, appLagMs: 0 });
});

test("computeFigures() has neither ttr nor appLag where the server never came back", () => {
  const figures = figuresOf(observe({ entries: [makeFailure({ intendedAt: 16_000 })] }));
  expect(figures).toMatchObject({ dbReadyMs: 400, ttrMs: null, appLagMs: null, steadyMs: null });
});

test("computeFigures() has nothing to tell of a run without a fault", () => {
  const moments = { ...MOMENTS, injectedAt: undefined, faultAt: undefined, healedAt: undefined, dbReadyAt: undefined };
  expect(figuresOf(observe({ moments }))).toEqual({
    ttdMs: null,
    dbReadyMs: null,
    ttrMs: null,
    appLagMs: null,
    steadyMs: null,
  });
});

test("computeFigures() is steady only after the last failure", () => {
  const entries = [...recovered, makeFailure({ intendedAt: 17_000, endedAt: 17_200 })];
  expect(figuresOf(observe({ entries })).steadyMs).toBe(2_000);
});

test("computeFigures() is not steady where trouble went on until shortly before the end", () => {
  const entries = [...recovered, makeFailure({ intendedAt: 17_400, endedAt: 17_600 })];
  expect(figuresOf(observe({ entries }))).toMatchObject({ ttrMs: 430, steadyMs: null });
});

test("computeAvailability() counts what was meant to start since the fault, held requests as served", () => {
  const entries = [
    makeFailure({ intendedAt: 100 }),
    makeEntry({ intendedAt: 6_000, endedAt: 15_700 }),
    makeEntry({ intendedAt: 16_000 }),
    makeEntry({ intendedAt: 16_100 }),
    makeFailure({ intendedAt: 6_100, endedAt: 6_105 }),
  ];
  expect(computeAvailability(observe({ entries }))).toBe(0.75);
  expect(computeAvailability(observe({ entries: [] }))).toBeNull();
});
