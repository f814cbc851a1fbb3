import type { LatencySummary } from "../outage/latency.ts";
import type { OutageReport, OutageResult } from "../outage/report-model.ts";
import { judgeSeries, type SeriesRun } from "../outage/series.ts";
import { summaryLines, summaryTable } from "./outage-summary.ts";
import { drawTimeline } from "./outage-timeline.ts";
import {
  classCounts,
  FIGURE_MEANINGS,
  formatCount,
  formatLatency,
  formatMs,
  formatShare,
  sloMark,
  sloValue,
  sortedAnswers,
  VERDICTS,
} from "./outage-words.ts";

/** The report for a terminal: at most 100 columns, nothing told by colour alone. */
export function renderOutageText(result: OutageResult): string {
  const { report } = result;
  return [
    `Outage report: scenario ${report.scenario}, target ${report.target}, seed ${report.seed}`,
    `  ${result.targetDescription}`,
    section("Figures", figureLines(report)),
    section("Requests", requestLines(report)),
    section("Writes", writeLines(report)),
    section("Latency in ms, from the intended start", latencyLines(report)),
    section(`Timeline, one cell is ${result.timeline.cellMs} ms`, drawTimeline(result.timeline)),
    section("Objectives", sloLines(report)),
    ...(result.notes.length === 0 ? [] : [section("Notes", result.notes.flatMap(wrapNote))]),
    "",
    `Verdict: ${VERDICTS[report.verdict]}`,
    "",
  ].join("\n");
}

/** Every run that was not kept in full, then the table over all of them. */
export function renderSeriesText(runs: readonly SeriesRun[]): string {
  const results = runs.flatMap((run) =>
    run.kind === "judged" && run.result.report.verdict !== "kept" ? [run.result] : [],
  );
  const { reasons } = summaryTable(runs);
  return [
    ...results.map(renderOutageText),
    `Outage reports of ${runs.length} runs; of several runs the medians, worst is the slowest appLag`,
    "",
    ...summaryLines(runs).map((line) => `  ${line}`),
    ...(reasons.length === 0 ? [] : [section("Not run", reasons.flatMap(wrapNote))]),
    "",
    `Verdict: ${VERDICTS[judgeSeries(runs)]}`,
    "",
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string {
  return ["", title, ...lines.map((line) => `  ${line}`.trimEnd())].join("\n");
}

function figureLines({ figures, availability }: OutageReport): string[] {
  const lines = FIGURE_MEANINGS.map(([name, key, meaning]) => figureLine(name, formatMs(figures[key]), meaning));
  const meaning = "of the requests from the fault until the end, held ones included";
  return [...lines, figureLine("available", formatShare(availability), meaning)];
}

function figureLine(name: string, value: string, meaning: string): string {
  return `${name.padEnd(10)}${value.padStart(11)}   ${meaning}`;
}

function requestLines(report: OutageReport): string[] {
  const classes = classCounts(report).map(([count, words]) => `${count} ${words}`);
  const answers = sortedAnswers(report).map(([label, count]) => `${String(count).padStart(7)} × ${label}`);
  return [classes.join(" · "), ...answers];
}

function writeLines({ writes }: OutageReport): string[] {
  const { acknowledged, lost, duplicated, unknown } = writes;
  const counts = [`${acknowledged} acknowledged`, `${formatCount(lost)} lost`, `${formatCount(duplicated)} duplicated`];
  return [[...counts, `${unknown} unknown`].join(" · ")];
}

function latencyLines({ latencyMs }: OutageReport): string[] {
  const row = (name: string, cells: readonly string[]): string =>
    name.padEnd(16) + cells.map((cell) => cell.padStart(10)).join("");
  const numbers = ({ p50, p95, p99, max }: LatencySummary): string[] => [p50, p95, p99, max].map(formatLatency);
  return [
    row("", ["p50", "p95", "p99", "max"]),
    row("before", numbers(latencyMs.before)),
    row("during", numbers(latencyMs.during)),
    row("after", numbers(latencyMs.after)),
  ];
}

function sloLines(report: OutageReport): string[] {
  return report.slos.map((slo) => `${sloMark(slo, report).padEnd(8)}  ${slo.expression.padEnd(14)}  ${sloValue(slo)}`);
}

const NOTE_WIDTH = 94;

function wrapNote(note: string): string[] {
  const lines = [""];
  for (const word of note.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length + 1 > NOTE_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line, index) => `${index === 0 ? "-" : " "} ${line}`);
}
