import { expect, test } from "bun:test";
import { buildResult, type ResultInput } from "../../../src/outage/build-result.ts";
import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import { stop } from "../../../src/outage/scenarios/stop.ts";
import { parseSlo } from "../../../src/outage/slo.ts";
import { makeEntry, makeFailure, saw } from "./entries.ts";

/** Two writes a second, and a server away from 5 s to 15 s that holds what comes meanwhile. */
const LEDGER: readonly LedgerEntry[] = Array.from({ length: 40 }, (_, index) => {
  const intendedAt = index * 500;
  const isHeld = intendedAt >= 5_000 && intendedAt < 15_400;
  return makeEntry({ id: `write-${index}`, intendedAt, endedAt: isHeld ? 15_400 + index : intendedAt + 5 });
});

const TABLE = new Map(LEDGER.map(({ id }) => [id, 1]));

function resultOf(changes: Partial<ResultInput> = {}, entries = LEDGER) {
  const result = buildResult({
    scenario: stop,
    target: { kind: "docker", description: "a container" },
    startedAt: new Date(0),
    seed: 1,
    settleMs: 15_000,
    retryIntervalMs: 10_000,
    steadyForMs: 3_000,
    slos: [],
    observations: {
      moments: { loadAt: 0, injectedAt: 4_900, faultAt: 5_000, healedAt: 15_000, dbReadyAt: 15_300, endedAt: 20_000 },
      entries,
      health: [saw(0, "up"), saw(5_040, "reconnecting"), saw(15_400, "up")],
      requestTimeoutMs: 30_000,
    },
    rows: TABLE,
    pool: { before: null, after: null },
    isInterrupted: false,
    serverEnding: undefined,
    ...changes,
  });
  const broken = result.report.slos.filter(({ kept }) => !kept).map(({ expression }) => expression);
  return { ...result, broken };
}

const without = (...ids: readonly string[]) => new Map([...TABLE].filter(([id]) => !ids.includes(id)));
const withEntry = (id: string, change: (entry: LedgerEntry) => LedgerEntry) =>
  LEDGER.map((entry) => (entry.id === id ? change(entry) : entry));

test("buildResult() keeps a run that ledger, table and objectives agree on", () => {
  const { report, broken } = resultOf();
  expect({ verdict: report.verdict, broken }).toEqual({ verdict: "kept", broken: [] });
  expect(report.figures).toEqual({ ttdMs: 40, dbReadyMs: 300, ttrMs: 410, appLagMs: 110 });
  expect(report.writes).toEqual({ acknowledged: 40, lost: 0, duplicated: 0, unknown: 0 });
  expect(report.availability).toBe(1);
});

test("buildResult() is the same for the same input", () => {
  expect(resultOf()).toEqual(resultOf());
});

test.each([
  ["an acknowledged write that is not in the table", { rows: without("write-12") }, "lost==0"],
  ["a write that is there twice", { rows: new Map([...TABLE, ["write-3", 2]]) }, "duplicate==0"],
  ["a row that nobody wrote", { rows: new Map([...TABLE, ["a stranger", 1]]) }, "duplicate==0"],
  ["an objective of the user's", { slos: [parseSlo("appLag<=100ms")] }, "appLag<=100ms"],
] as const)("buildResult() is broken by %s, and by nothing else", (_, changes, expression) => {
  const { report, broken } = resultOf(changes);
  expect({ verdict: report.verdict, broken }).toEqual({ verdict: "broken", broken: [expression] });
});

test("buildResult() is broken by a write whose answer denied it", () => {
  const denied = withEntry("write-20", (entry) => makeFailure({ ...entry, status: 503, outcome: "not-executed" }));
  expect(resultOf({}, denied).broken).toEqual(["duplicate==0"]);
  expect(resultOf({ rows: without("write-20") }, denied).broken).toEqual([]);
});

test("buildResult() is broken by a write that nobody knows of, unless the user allows for it", () => {
  const unknown = withEntry("write-20", (entry) => makeFailure({ ...entry, status: 500, outcome: "unknown" }));
  expect(resultOf({}, unknown).broken).toEqual(["unknown==0"]);
  expect(resultOf({ slos: [parseSlo("unknown<=1")] }, unknown).broken).toEqual([]);
});

test("buildResult() is broken by objectives that a table would have proven, where there is none", () => {
  const { broken, notes } = resultOf({ rows: undefined, whyUnread: "the database system is starting up" });
  expect(broken).toEqual(["lost==0", "duplicate==0"]);
  expect(notes.join()).toContain("The table could not be compared (the database system is starting up)");
});

test("buildResult() proves nothing by an interrupted run", () => {
  expect(resultOf({ isInterrupted: true }).report.verdict).toBe("interrupted");
});
