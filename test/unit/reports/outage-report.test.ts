import { expect, test } from "bun:test";
import { cutTimeline } from "../../../src/outage/timeline.ts";
import { renderOutageJson } from "../../../src/reports/outage-json.ts";
import { renderOutageText, renderSeriesText } from "../../../src/reports/outage-report.ts";
import { drawTimeline } from "../../../src/reports/outage-timeline.ts";
import { REPORT, RESULT, SERIES, TIMELINE } from "./outage-sample.ts";

test("renderOutageText() tells figures, requests, writes, latency, objectives, notes and the verdict", () => {
  const text = renderOutageText(RESULT);
  for (const part of [
    "scenario stop, target docker, seed 42",
    "ttd             12 ms",
    "ttr            12.3 s",
    "appLag              -",
    "available     99.99 %",
    "900 ok · 99 held over 1 s · 1 failed fast · 0 timed out · 0 hung",
    "999 × 201",
    "300 acknowledged · 0 lost · not known duplicated · 2 unknown",
    "✓ kept    ttd<3s          12 ms",
    "✗ BROKEN  lost==0         3",
    "✗ BROKEN  appLag<2s       never measured",
    "Verdict: BROKEN",
  ]) {
    expect(text).toContain(part);
  }
});

test("renderOutageText() fits into 100 columns and has no colours", () => {
  const text = renderOutageText(RESULT);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(text).not.toContain("\u001B");
});

test("renderOutageText() says 100 % only where it was every single request", () => {
  const shown = (availability: number | null) =>
    /available +(.*?) {3}/.exec(renderOutageText({ ...RESULT, report: { ...REPORT, availability } }))?.[1];
  expect([1, 0.999999, 0.5, null].map(shown)).toEqual(["100 %", "99.99 %", "50.00 %", "-"]);
});

test("renderOutageText() does not call an objective broken that an interrupted run never came to", () => {
  const text = renderOutageText({ ...RESULT, report: { ...REPORT, verdict: "interrupted" } });
  expect(text).toContain("- open    appLag<2s       never measured");
  expect(text).toContain("✗ BROKEN  lost==0");
  expect(text).toContain("Verdict: INTERRUPTED");
});

test("drawTimeline() draws one mark a cell, with a scale, the phases and a legend", () => {
  expect(drawTimeline(TIMELINE).slice(0, 6)).toEqual([
    "         |0s       |5s       |10s      |15s      |20s",
    "phase    [warm-up -[outage ------------[[settled --------",
    "circuit  [up ------[down --------------------------------",
    "health   =.........~.x...................................",
    "writes   =hFT?/..........................................",
    "reads    ......=.........................................",
  ]);
  for (const mark of ["=", "h", "F", "T", "?", "/", ".", "x", "~"]) {
    expect(drawTimeline(TIMELINE).slice(-4).join("\n")).toContain(`${mark} `);
  }
});

test("drawTimeline() draws a long run in bands of 80 cells", () => {
  const timeline = cutTimeline({
    startedAt: 0,
    endedAt: 200_000,
    injectedAt: undefined,
    healedAt: undefined,
    recoveredAt: undefined,
    health: [],
    entries: [],
    requestTimeoutMs: 30_000,
  });
  const lines = drawTimeline(timeline);
  expect(lines.filter((line) => line.startsWith("writes")).map((line) => line.length - 9)).toEqual([80, 80, 40]);
  expect(lines.filter((line) => line.includes("|0s") || line.includes("|80s") || line.includes("|160s"))).toHaveLength(
    3,
  );
});

test("renderOutageJson() is the report of one run and nothing else", () => {
  const run = { kind: "judged", scenario: "stop", result: RESULT } as const;
  expect(JSON.parse(renderOutageJson([run], { isSeries: false }))).toEqual(REPORT);
});

test("renderOutageJson() is the summary of a series and every report", () => {
  const series = JSON.parse(renderOutageJson(SERIES, { isSeries: true }));
  expect(series).toMatchObject({ schema: "deby.outage-series/1", verdict: "broken", runs: [REPORT, REPORT] });
  expect(series.summary.map(({ scenario, verdict }: Record<string, unknown>) => [scenario, verdict])).toEqual([
    ["stop", "broken"],
    ["pause", "refused"],
    ["kill", "incomplete"],
  ]);
});

test("renderSeriesText() tells what was broken in full, then one line a scenario, within 100 columns", () => {
  const text = renderSeriesText(SERIES);
  expect(text.split("Outage report: scenario stop")).toHaveLength(3);
  expect(text).toMatch(/✗ BROKEN +stop +2 +12 ms +400 ms +12.3 s +- +- +0 +\? +4 +0 +99.99 %/);
  expect(text).toMatch(/- refused +pause +0 +- /);
  expect(text).toMatch(/\? not run +kill/);
  expect(text).toContain("- kill: The fault could not be verified: <it> still runs");
  expect(text).toContain("Verdict: BROKEN");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});
