import { expect, test } from "bun:test";
import type { OutageReport } from "../../../src/outage/report-model.ts";
import type { SeriesRun } from "../../../src/outage/series.ts";
import { summarize } from "../../../src/outage/summary.ts";
import { REPORT, RESULT } from "../reports/outage-sample.ts";

function judged(appLagMs: number | null, changes: Partial<OutageReport> = {}): SeriesRun {
  const report: OutageReport = {
    ...REPORT,
    verdict: "kept",
    figures: { ...REPORT.figures, appLagMs },
    writes: { acknowledged: 10, lost: 0, duplicated: 0, unknown: 1 },
    ...changes,
  };
  return { kind: "judged", scenario: report.scenario, result: { ...RESULT, report } };
}

test("summarize() takes medians of figures, sums of counts, and the worst lag and availability", () => {
  const [row] = summarize([judged(30), judged(900, { availability: 0.5 }), judged(40)]);
  expect(row).toMatchObject({
    scenario: "stop",
    verdict: "kept",
    runs: 3,
    appLagMs: 40,
    worstAppLagMs: 900,
    availability: 0.5,
    lost: 0,
    duplicated: 0,
    unknown: 3,
    hung: 0,
  });
});

test("summarize() does not make a number of what one run did not measure", () => {
  const unread = { acknowledged: 10, lost: null, duplicated: null, unknown: 0 };
  const [row] = summarize([judged(30), judged(null, { verdict: "broken", writes: unread })]);
  expect(row).toMatchObject({ verdict: "broken", appLagMs: 30, worstAppLagMs: null, lost: null, duplicated: null });
});

test("summarize() keeps the scenarios' order, and tells why one was not run", () => {
  const refused: SeriesRun = { kind: "refused", scenario: "pause", reason: "cannot" };
  const rows = summarize([judged(1, { scenario: "kill" }), refused, judged(1)]);
  expect(rows.map(({ scenario, verdict, runs, reason }) => [scenario, verdict, runs, reason])).toEqual([
    ["kill", "kept", 1, undefined],
    ["pause", "refused", 0, "cannot"],
    ["stop", "kept", 1, undefined],
  ]);
});
