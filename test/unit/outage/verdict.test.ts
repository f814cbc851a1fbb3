import { expect, test } from "bun:test";
import type { Figures } from "../../../src/outage/figures.ts";
import { parseSlo } from "../../../src/outage/slo.ts";
import { judge, type VerdictInput } from "../../../src/outage/verdict.ts";

const GOOD: Figures = { ttdMs: 20, dbReadyMs: 400, ttrMs: 440, appLagMs: 40, steadyMs: 500 };
const TABLE = { lost: 0, duplicated: 0, copies: 0, strangers: 0, denied: 0, unknownApplied: 0 };
const WRITES = { acknowledged: 100, unknown: 0, table: TABLE };
const SLOS = ["ttd<3s", "appLag<2s", "lost==0", "duplicate==0", "hung==0", "steady<=15s"].map(parseSlo);

function verdictOf(changes: Partial<VerdictInput> = {}) {
  return judge({ figures: GOOD, writes: WRITES, hung: 0, failed: 0, slos: SLOS, isInterrupted: false, ...changes });
}

const broken: readonly [string, Partial<VerdictInput>, string][] = [
  ["a lost write", { writes: { ...WRITES, table: { ...TABLE, lost: 1 } } }, "lost==0"],
  ["a duplicated write", { writes: { ...WRITES, table: { ...TABLE, duplicated: 1 } } }, "duplicate==0"],
  ["a table that nobody could read", { writes: { ...WRITES, table: null } }, "lost==0"],
  ["a hung request", { hung: 1 }, "hung==0"],
  ["an outage that nobody noticed", { figures: { ...GOOD, ttdMs: null } }, "ttd<3s"],
  ["a server that never came back", { figures: { ...GOOD, ttrMs: null, appLagMs: null, steadyMs: null } }, "appLag<2s"],
  ["a server that came back late", { figures: { ...GOOD, appLagMs: 2_000 } }, "appLag<2s"],
  ["a server that was not steady in time", { figures: { ...GOOD, steadyMs: 15_001 } }, "steady<=15s"],
];

test("judge() keeps a run in which every objective was kept", () => {
  const { verdict, slos } = verdictOf();
  expect(verdict).toBe("kept");
  expect(slos.every(({ kept }) => kept)).toBe(true);
});

test.each(broken)("judge() is broken by %s", (_, changes, expression) => {
  const { verdict, slos } = verdictOf(changes);
  expect(verdict).toBe("broken");
  expect(slos.find((slo) => slo.expression === expression)?.kept).toBe(false);
});

test("judge() does not hold unknown writes against a run whose objectives do not name them", () => {
  expect(verdictOf({ writes: { ...WRITES, unknown: 3 } }).verdict).toBe("kept");
});

test("judge() proves nothing by an interrupted run", () => {
  expect(verdictOf({ isInterrupted: true }).verdict).toBe("interrupted");
});
