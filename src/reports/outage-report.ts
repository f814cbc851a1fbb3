import type { LatencySummary } from "../outage/latency.ts";
import type { OutageReport, OutageResult, Verdict } from "../outage/report-model.ts";
import { drawTimeline } from "./outage-timeline.ts";

const FIGURE_MEANINGS = [
  ["ttd", "ttdMs", "fault confirmed until /api/health was not ok"],
  ["dbReady", "dbReadyMs", "healing begun until an independent probe got an answer"],
  ["ttr", "ttrMs", "healing begun until the first of 5 successful writes in a row"],
  ["appLag", "appLagMs", "ttr less dbReady: the server's own part"],
] as const;

const VERDICTS: Readonly<Record<Verdict, string>> = {
  kept: "KEPT: the server did what it promises",
  broken: "BROKEN: the server did not do what it promises",
  interrupted: "INTERRUPTED: nothing is proven",
};

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

/** The report as `--json` and `--report json=FILE` give it. */
export function renderOutageJson({ report }: OutageResult): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return ["", title, ...lines.map((line) => `  ${line}`.trimEnd())].join("\n");
}

function figureLines({ figures, availability }: OutageReport): string[] {
  const lines = FIGURE_MEANINGS.map(([name, key, meaning]) => figureLine(name, formatMs(figures[key]), meaning));
  const share = availability === null ? "-" : `${floorPercent(availability)} %`;
  return [...lines, figureLine("available", share, "of the requests from the fault until the end, held ones included")];
}

function figureLine(name: string, value: string, meaning: string): string {
  return `${name.padEnd(10)}${value.padStart(11)}   ${meaning}`;
}

/** Rounded down, so that 100 % means every single one. */
function floorPercent(share: number): string {
  return (Math.floor(share * 10_000) / 100).toFixed(share === 1 ? 0 : 2);
}

function requestLines({ requests }: OutageReport): string[] {
  const { ok, held, failedFast, timedOut, hung, byCode } = requests;
  const classes = [
    `${ok} ok`,
    `${held} held over 1 s`,
    `${failedFast} failed fast`,
    `${timedOut} timed out`,
    `${hung} hung`,
  ];
  const answers = Object.entries(byCode).sort(([, a], [, b]) => b - a);
  return [classes.join(" · "), ...answers.map(([label, count]) => `${String(count).padStart(7)} × ${label}`)];
}

function writeLines({ writes }: OutageReport): string[] {
  const { acknowledged, lost, duplicated, unknown } = writes;
  const known = (count: number | null): string => (count === null ? "not known" : String(count));
  return [`${acknowledged} acknowledged · ${known(lost)} lost · ${known(duplicated)} duplicated · ${unknown} unknown`];
}

function latencyLines({ latencyMs }: OutageReport): string[] {
  const row = (name: string, cells: readonly string[]): string =>
    name.padEnd(16) + cells.map((cell) => cell.padStart(10)).join("");
  const numbers = ({ p50, p95, p99, max }: LatencySummary): string[] =>
    [p50, p95, p99, max].map((value) => (value === null ? "-" : value.toFixed(1)));
  return [
    row("", ["p50", "p95", "p99", "max"]),
    row("before", numbers(latencyMs.before)),
    row("during", numbers(latencyMs.during)),
    row("after", numbers(latencyMs.after)),
  ];
}

function sloLines({ slos, verdict }: OutageReport): string[] {
  return slos.map(({ expression, value, kept }) => {
    const isDuration = /\d(ms|s|m|h)$/.test(expression);
    const shown = value === null ? "never measured" : isDuration ? formatMs(value) : String(value);
    const isOpen = value === null && verdict === "interrupted";
    return `${isOpen ? "- open  " : kept ? "✓ kept  " : "✗ BROKEN"}  ${expression.padEnd(14)}  ${shown}`;
  });
}

function formatMs(ms: number | null): string {
  if (ms === null) return "-";
  return Math.abs(ms) >= 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms)} ms`;
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
