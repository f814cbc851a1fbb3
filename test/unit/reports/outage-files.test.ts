import { expect, test } from "bun:test";
import type { OutageResult } from "../../../src/outage/report-model.ts";
import { renderOutageHtml } from "../../../src/reports/outage-html.ts";
import { renderOutageJunit } from "../../../src/reports/outage-junit.ts";
import { renderOutageMarkdown } from "../../../src/reports/outage-markdown.ts";
import { REPORT, RESULT, SERIES } from "./outage-sample.ts";

const alone = (result: OutageResult = RESULT) =>
  [{ kind: "judged", scenario: result.report.scenario, result }] as const;

/** A run of a server whose words are not harmless. */
const HOSTILE: OutageResult = {
  ...RESULT,
  report: {
    ...REPORT,
    requests: { ...REPORT.requests, byCode: { "503 <script src=//evil.example>|`*": 1 } },
    pool: { before: { note: "</pre><img src=x>" }, after: null },
  },
  timeline: { ...RESULT.timeline, states: [{ name: '"><b>', fromMs: 0, toMs: 9_000, isWell: false }] },
  notes: ["It said <i>so</i> | twice\u0000"],
};

test("renderOutageHtml() is one file that loads nothing and runs nothing", () => {
  const html = renderOutageHtml(alone());
  expect(html).toStartWith("<!doctype html>");
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/<script|<iframe|@import|url\((?!#)|https?:|\bon[a-z]+=/);
  expect(html.match(/(?:src|href)="[^"]*"/g)).toEqual(['href="data:,"']);
});

test("renderOutageHtml() draws every class, the circuit, and the moments of fault, healing and return", () => {
  const html = renderOutageHtml(alone());
  for (const part of [
    ...["ok", "held", "cut", "failedFast", "timedOut", "hung"].map((name) => `class="bar ${name}"`),
    'class="span well"',
    'class="span trouble"',
    ">fault, 5.05 s<",
    ">healed, 15.00 s<",
    ">writes succeed again, 15.40 s<",
    'class="verdict broken"',
    "lost==0",
    "never measured",
  ]) {
    expect(html).toContain(part);
  }
});

test("renderOutageHtml() shows what a server says and never obeys it", async () => {
  const html = renderOutageHtml(alone(HOSTILE));
  expect(html).not.toMatch(/<script|<img|<i>|<b>/);
  expect(html).toContain("&lt;script src=//evil.example&gt;");
});

test("renderOutageHtml() of a series begins with the table over its scenarios", () => {
  const html = renderOutageHtml(SERIES);
  expect(html.indexOf("<h1>Outage reports</h1>")).toBeLessThan(html.indexOf('id="run-1"'));
  for (const part of ["✗ BROKEN", "- refused", "? not run", 'id="run-2"', "kill: The fault could not be verified"]) {
    expect(html).toContain(part);
  }
});

test("renderOutageMarkdown() tells figures, objectives, counts and the timeline", () => {
  const markdown = renderOutageMarkdown(alone());
  expect(markdown).toStartWith("# Outage report: stop on docker\n\n**BROKEN");
  for (const part of [
    "| ttd | 12 ms | fault confirmed until /api/health was not ok |",
    "| lost==0 | 3 | ✗ BROKEN |",
    "| acknowledged | 300 |",
    "| answered 201 | 999 |",
    "```text\n",
    "circuit  [up ------[down ---",
  ]) {
    expect(markdown).toContain(part);
  }
});

test("renderOutageMarkdown() shows what a server says and never obeys it", () => {
  const markdown = renderOutageMarkdown(alone(HOSTILE));
  expect(markdown).toContain("503 \\<script src=//evil.example\\>\\|\\`\\*");
  expect(markdown).toContain("It said \\<i\\>so\\</i\\> \\| twice");
});

test("renderOutageMarkdown() of a series begins with the table over its scenarios", () => {
  const markdown = renderOutageMarkdown(SERIES);
  expect(markdown).toContain("| ✗ BROKEN | stop | 2 | 12 ms | 400 ms | 12.3 s | - | - | 0 | ? | 4 | 0 | 99.99 % |");
  expect(markdown.match(/^## Outage report/gm)).toHaveLength(2);
});

test("renderOutageJunit() has a suite for each run and a case for each objective", () => {
  expect(renderOutageJunit(alone())).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deby simulate-outage" tests="3" failures="2" errors="0" skipped="0">
  <testsuite name="outage.stop" tests="3" failures="2" errors="0" skipped="0" timestamp="2026-01-01T00:00:00" time="24.000">
    <testcase classname="outage.stop" name="ttd&lt;3s" time="0"/>
    <testcase classname="outage.stop" name="lost==0" time="0"><failure message="measured: 3"/></testcase>
    <testcase classname="outage.stop" name="appLag&lt;2s" time="0"><failure message="measured: never measured"/></testcase>
  </testsuite>
</testsuites>
`);
});

test("renderOutageJunit() tells what was refused from what failed, and repeats apart", () => {
  const xml = renderOutageJunit(SERIES);
  expect(xml).toContain('tests="8" failures="4" errors="1" skipped="1"');
  for (const part of [
    'name="outage.stop.1"',
    'name="outage.stop.2"',
    "<skipped message=",
    "<error message=",
    "&lt;it&gt;",
  ]) {
    expect(xml).toContain(part);
  }
});

test("renderOutageJunit() does not call an objective broken that an interrupted run never came to", () => {
  const xml = renderOutageJunit(alone({ ...RESULT, report: { ...REPORT, verdict: "interrupted" } }));
  expect(xml).toContain('tests="3" failures="1" errors="0" skipped="2"');
});
