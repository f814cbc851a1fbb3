import { cutChart } from "../../../src/outage/chart.ts";
import type { Observations } from "../../../src/outage/observations.ts";
import type { OutageReport, OutageResult } from "../../../src/outage/report-model.ts";
import type { SeriesRun } from "../../../src/outage/series.ts";
import { cutTimeline } from "../../../src/outage/timeline.ts";
import { makeEntry, makeFailure, makeOpen, saw } from "../outage/entries.ts";

const NOTHING = { p50: null, p95: null, p99: null, max: null };

export const REPORT: OutageReport = {
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
const OBSERVATIONS: Observations = {
  moments: {
    loadAt: 0,
    injectedAt: 5_000,
    faultAt: 5_050,
    healedAt: 15_000,
    dbReadyAt: 15_300,
    endedAt: 24_000,
  },
  health: [saw(0, "up"), saw(5_000, "up"), saw(5_100, "down"), saw(6_000, "down")],
  entries: [
    makeEntry({ intendedAt: 0 }),
    makeEntry({ intendedAt: 500, endedAt: 9_000 }),
    makeFailure({ intendedAt: 1_000 }),
    makeFailure({ intendedAt: 1_500, status: 504 }),
    makeEntry({ intendedAt: 2_000, endedAt: 12_000, ending: "hung" }),
    makeOpen({ intendedAt: 2_500 }),
    makeEntry({ intendedAt: 3_000, kind: "read", status: 200 }),
  ],
  requestTimeoutMs: 30_000,
};

export const TIMELINE = cutTimeline({
  ...OBSERVATIONS,
  ...OBSERVATIONS.moments,
  startedAt: 0,
  recoveredAt: 15_400,
});

export const RESULT: OutageResult = {
  report: REPORT,
  targetDescription: "container deby-outage-12345678 from postgres:17-alpine on 127.0.0.1:40123",
  timeline: TIMELINE,
  chart: cutChart(OBSERVATIONS, 15_400),
  notes: [`A note ${"that is long ".repeat(12)}and ends here.`],
};

/** One scenario twice, one that the target cannot do, one whose fault did not take. */
export const SERIES: readonly SeriesRun[] = [
  { kind: "judged", scenario: "stop", result: RESULT },
  { kind: "judged", scenario: "stop", result: RESULT },
  { kind: "refused", scenario: "pause", reason: "The target embedded cannot do the scenario pause" },
  { kind: "failed", scenario: "kill", reason: "The fault could not be verified: <it> still runs" },
];
