import type { OutageReport, OutageResult } from "../outage/report-model.ts";
import { judgeSeries, type SeriesRun } from "../outage/series.ts";
import { summaryTable } from "./outage-summary.ts";
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

/** The report for a pull request or a wiki: a summary where there are several runs, then every run. */
export function renderOutageMarkdown(runs: readonly SeriesRun[]): string {
  const results = runs.flatMap((run) => (run.kind === "judged" ? [run.result] : []));
  const { columns, rows, reasons } = summaryTable(runs);
  const overview = [
    "# Outage reports",
    `**${VERDICTS[judgeSeries(runs)]}**`,
    "Figures are the medians of a scenario's runs.",
    table(columns, rows),
    list(reasons),
  ];
  const isAlone = runs.length === 1 && results.length === 1;
  const blocks = [
    ...(isAlone ? [] : overview),
    ...results.flatMap((result) => runBlocks(result, isAlone ? "#" : "##")),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function runBlocks({ report, targetDescription, timeline, notes }: OutageResult, heading: string): string[] {
  const { scenario, target, seed, startedAt, writes, verdict } = report;
  return [
    `${heading} Outage report: ${escapeMarkdown(scenario)} on ${escapeMarkdown(target)}`,
    `**${VERDICTS[verdict]}**`,
    `${escapeMarkdown(targetDescription)}; started ${startedAt}, seed ${seed}.`,
    table(["figure", "value", "meaning"], figureRows(report)),
    table(
      ["objective", "value", ""],
      report.slos.map((slo) => [slo.expression, sloValue(slo), sloMark(slo, report)]),
    ),
    table(
      ["writes", "count"],
      [
        ["acknowledged", String(writes.acknowledged)],
        ["lost", formatCount(writes.lost)],
        ["duplicated", formatCount(writes.duplicated)],
        ["unknown", String(writes.unknown)],
      ],
    ),
    table(["requests", "count"], requestRows(report)),
    table(["latency in ms, from the intended start", "p50", "p95", "p99", "max"], latencyRows(report)),
    `One cell of the timeline is ${timeline.cellMs} ms.`,
    ["```text", ...drawTimeline(timeline).map((line) => line.trimEnd()), "```"].join("\n"),
    list(notes),
  ];
}

function figureRows({ figures, availability }: OutageReport): string[][] {
  const rows = FIGURE_MEANINGS.map(([name, key, meaning]) => [name, formatMs(figures[key]), meaning]);
  return [...rows, ["available", formatShare(availability), "of the requests from the fault until the end"]];
}

function requestRows(report: OutageReport): string[][] {
  const classes = classCounts(report).map(([count, words]) => [words, String(count)]);
  return [...classes, ...sortedAnswers(report).map(([label, count]) => [`answered ${label}`, String(count)])];
}

function latencyRows({ latencyMs }: OutageReport): string[][] {
  return (["before", "during", "after"] as const).map((window) => {
    const { p50, p95, p99, max } = latencyMs[window];
    return [window, ...[p50, p95, p99, max].map(formatLatency)];
  });
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  const isNumber = (column: number) => column > 0 && rows.every((row) => /^[-?\d]|^not known$/.test(row[column] ?? ""));
  const rule = columns.map((_, column) => (isNumber(column) ? "---:" : "---"));
  return [line(columns), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${escapeMarkdown(sentence)}`).join("\n");
}

/** What came from a server is shown, never obeyed. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/[\\`*_[\]<>|]/g, "\\$&");
}
