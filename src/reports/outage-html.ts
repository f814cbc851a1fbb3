import type { OutageReport, OutageResult } from "../outage/report-model.ts";
import { judgeSeries, type SeriesRun } from "../outage/series.ts";
import { escapeMarkup } from "./markup.ts";
import { OUTAGE_STYLE } from "./outage-style.ts";
import { summaryTable } from "./outage-summary.ts";
import { CHART_DEFS, drawChart, drawLegend } from "./outage-svg.ts";
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

/** Nothing may be loaded and nothing may run, whatever a server's words contain. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** One file that needs nothing else: no script, no font, no picture from anywhere; readable on a screen and on paper. */
export function renderOutageHtml(runs: readonly SeriesRun[]): string {
  const results = runs.flatMap((run) => (run.kind === "judged" ? [run.result] : []));
  const isAlone = runs.length === 1 && results.length === 1;
  const names = [...new Set(runs.map(({ scenario }) => scenario))];
  const title = `deby outage report: ${names.length > 3 ? `${names.length} scenarios` : names.join(", ")}`;
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<link rel="icon" href="data:,">',
    `<title>${escapeMarkup(title)}</title>`,
    `<style>${OUTAGE_STYLE}</style>`,
    "</head>",
    "<body>",
    CHART_DEFS,
    "<main>",
    ...(isAlone ? [] : overview(runs)),
    ...results.map((result, index) => runSection(result, { index, heading: isAlone ? "h1" : "h2" })),
    "</main>",
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function overview(runs: readonly SeriesRun[]): string[] {
  const { columns, rows, reasons } = summaryTable(runs);
  return [
    "<h1>Outage reports</h1>",
    verdictLine(judgeSeries(runs)),
    "<p>Figures are the medians of a scenario's runs.</p>",
    table(columns, rows, { numbersFrom: 2 }),
    list(reasons),
  ];
}

function runSection(
  result: OutageResult,
  { index, heading }: { readonly index: number; readonly heading: "h1" | "h2" },
) {
  const { report, targetDescription, timeline, chart, notes } = result;
  const title = `${report.scenario} on ${report.target}`;
  return [
    `<section id="run-${index + 1}">`,
    `<${heading}>Outage report: ${escapeMarkup(title)}</${heading}>`,
    verdictLine(report.verdict),
    `<p>${escapeMarkup(targetDescription)}; started ${escapeMarkup(report.startedAt)}, seed ${report.seed}</p>`,
    `<dl class="figures">${figureItems(report).join("")}</dl>`,
    `<figure><div class="scroll">${drawChart(chart, timeline, `Timeline of ${title}`)}</div>`,
    `<figcaption>${drawLegend()}</figcaption></figure>`,
    '<div class="tables">',
    table(["objective", "value", ""], sloRows(report), { caption: "Objectives" }),
    table(["writes", "count"], writeRows(report), { caption: "Writes", numbersFrom: 1 }),
    table(["requests", "count"], requestRows(report), { caption: "Requests by class", numbersFrom: 1 }),
    table(["answer", "count"], answerRows(report), { caption: "Requests by answer", numbersFrom: 1 }),
    table(["ms", "p50", "p95", "p99", "max"], latencyRows(report), {
      caption: "Latency, from the intended start",
      numbersFrom: 1,
    }),
    table(["circuit", "from", "to"], stateRows(result), { caption: "What the server said of itself", numbersFrom: 1 }),
    "</div>",
    poolBlock(report),
    list(notes),
    "</section>",
  ].join("\n");
}

function verdictLine(verdict: keyof typeof VERDICTS): string {
  return `<p class="verdict ${verdict}">${escapeMarkup(VERDICTS[verdict])}</p>`;
}

function figureItems({ figures, availability }: OutageReport): string[] {
  const item = (name: string, value: string, meaning: string): string =>
    `<div><dt>${name}</dt><dd><strong>${escapeMarkup(value)}</strong><span>${escapeMarkup(meaning)}</span></dd></div>`;
  return [
    ...FIGURE_MEANINGS.map(([name, key, meaning]) => item(name, formatMs(figures[key]), meaning)),
    item("available", formatShare(availability), "of the requests from the fault until the end, held ones included"),
  ];
}

function sloRows(report: OutageReport): string[][] {
  return report.slos.map((slo) => [slo.expression, sloValue(slo), sloMark(slo, report)]);
}

function writeRows({ writes }: OutageReport): string[][] {
  return [
    ["acknowledged", String(writes.acknowledged)],
    ["lost", formatCount(writes.lost)],
    ["duplicated", formatCount(writes.duplicated)],
    ["unknown", String(writes.unknown)],
  ];
}

function requestRows(report: OutageReport): string[][] {
  return classCounts(report).map(([count, words]) => [words, String(count)]);
}

function answerRows(report: OutageReport): string[][] {
  return sortedAnswers(report).map(([label, count]) => [label, String(count)]);
}

function latencyRows({ latencyMs }: OutageReport): string[][] {
  return (["before", "during", "after"] as const).map((window) => {
    const { p50, p95, p99, max } = latencyMs[window];
    return [window, ...[p50, p95, p99, max].map(formatLatency)];
  });
}

const STATES_SHOWN = 20;

function stateRows({ timeline: { states } }: OutageResult): string[][] {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
  const rows = states.slice(0, STATES_SHOWN).map(({ name, fromMs, toMs }) => [name, seconds(fromMs), seconds(toMs)]);
  const more = states.length - rows.length;
  return more > 0 ? [...rows, [`and ${more} more`, "", ""]] : rows;
}

function poolBlock({ pool }: OutageReport): string {
  if (pool.before === null && pool.after === null) return "";
  const shown = (figures: unknown): string => escapeMarkup(JSON.stringify(figures, undefined, 2));
  const block = (name: string, figures: unknown): string =>
    `<div><h3>Pool ${name}</h3><pre>${shown(figures)}</pre></div>`;
  return `<div class="tables pool">${block("before", pool.before)}${block("after", pool.after)}</div>`;
}

interface TableOptions {
  readonly caption?: string;
  /** Columns from this one on are numbers, and stand to the right. */
  readonly numbersFrom?: number;
}

function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  { caption, numbersFrom = columns.length }: TableOptions = {},
): string {
  const kind = (column: number): string => (column >= numbersFrom ? ' class="number"' : "");
  const head = columns.map((words, column) => `<th scope="col"${kind(column)}>${escapeMarkup(words)}</th>`);
  const body = rows.map(
    (row) => `<tr>${row.map((cell, column) => `<td${kind(column)}>${escapeMarkup(cell)}</td>`).join("")}</tr>`,
  );
  const title = caption === undefined ? "" : `<caption>${escapeMarkup(caption)}</caption>`;
  return `<div class="scroll"><table>${title}<thead><tr>${head.join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

function list(sentences: readonly string[]): string {
  if (sentences.length === 0) return "";
  return `<ul class="notes">${sentences.map((sentence) => `<li>${escapeMarkup(sentence)}</li>`).join("")}</ul>`;
}
