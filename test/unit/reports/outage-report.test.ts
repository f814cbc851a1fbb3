import { expect, test } from "bun:test";
import type { OutageReport, OutageResult } from "../../../src/outage/report-model.ts";
import { cutTimeline } from "../../../src/outage/timeline.ts";
import { renderOutageJson, renderOutageText } from "../../../src/reports/outage-report.ts";
import { drawTimeline } from "../../../src/reports/outage-timeline.ts";
import { makeEntry, makeFailure, makeOpen } from "../outage/entries.ts";

const NOTHING = { p50: null, p95: null, p99: null, max: null };

const REPORT: OutageReport = {
  schema: "deby.outage/1",
  scenario: "stop",
  target: "docker",
  startedAt: "2026-01-01T00:00:00.000Z",
  seed: 42,
  figures: { ttdMs: 12.4, dbReadyMs: 400, ttrMs: 12_345, appLagMs: null },
  requests: { ok: 900, held: 99, failedFast: 1, timedOut: 0, hung: 0, byCode: { "503 READ_ONLY": 1, "201": 999 } },
  writes: { acknowledged: 300, lost: 0, duplicated: null, unknown: 2 },
  latencyMs: { before: { p50: 1.2, p95: 3, p99: 4, max: 17.25 }, during: NOTHING, after: NOTHING },
  availability: 0.99999,
  pool: { before: null, after: null },
  slos: [
    { expression: "ttd<3s", value: 12.4, kept: true },
    { expression: "lost==0", value: 3, kept: false },
    { expression: "appLag<2s", value: null, kept: false },
  ],
  verdict: "broken",
};

/** A run of 24 s in which everything happens that can be drawn. */
const TIMELINE = cutTimeline({
  startedAt: 0,
  endedAt: 24_000,
  injectedAt: 5_000,
  healedAt: 15_000,
  recoveredAt: 15_400,
  health: [
    { at: 0, isWell: true },
    { at: 5_000, isWell: true },
    { at: 5_100, isWell: false },
    { at: 6_000, isWell: false },
  ],
  entries: [
    makeEntry({ intendedAt: 0 }),
    makeEntry({ intendedAt: 500, endedAt: 9_000 }),
    makeFailure({ intendedAt: 1_000 }),
    makeFailure({ intendedAt: 1_500, status: 504 }),
    makeEntry({ intendedAt: 2_000, ending: "hung" }),
    makeOpen({ intendedAt: 2_500 }),
    makeEntry({ intendedAt: 3_000, kind: "read", status: 200 }),
  ],
  requestTimeoutMs: 30_000,
});

const RESULT: OutageResult = {
  report: REPORT,
  targetDescription: "container deby-outage-12345678 from postgres:17-alpine on 127.0.0.1:40123",
  timeline: TIMELINE,
  notes: [`A note ${"that is long ".repeat(12)}and ends here.`],
};

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
  expect(drawTimeline(TIMELINE).slice(0, 5)).toEqual([
    "         |0s       |5s       |10s      |15s      |20s",
    "phase    [warm-up -[outage ------------[[settled --------",
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

test("renderOutageJson() is the report and nothing else", () => {
  expect(JSON.parse(renderOutageJson(RESULT))).toEqual(REPORT);
});
