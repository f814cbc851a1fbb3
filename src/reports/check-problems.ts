import type { CheckResult, CheckStatus, Fix } from "../diagnostics/check.ts";
import type { CheckReport } from "../diagnostics/report-model.ts";
import { harmless, indented, statusMark, type TextOptions, textWidth, wrapCommand, wrapText } from "./check-text.ts";

/** Worse first. */
const SEVERITY = ["fail", "unknown", "warn"] as const;
const INDENT = 13;

function problemsOf({ checks }: CheckReport): CheckResult[] {
  return SEVERITY.flatMap((severity) => checks.filter(({ status }) => status === severity));
}

/** What is wrong, the worst first: each with its cause, what to type, and where to read on. */
export function problemLines(report: CheckReport, options: TextOptions): string[] {
  return problemsOf(report).flatMap((problem, index) => [
    ...(index === 0 ? [] : [""]),
    ...explanationLines(problem, options),
  ]);
}

function explanationLines({ id, status, cause, evidence, fix, docs }: CheckResult, options: TextOptions): string[] {
  const text = wrapText(harmless(`${id}: ${cause ?? evidence}`), textWidth(options) - INDENT);
  return [
    ...indented(text, INDENT, `  ${statusMark(status, options)} `),
    ...fixLines(fix, options),
    ...docsLines(docs, options),
  ];
}

/** An address is in one piece, and further left where it would be too long. */
function docsLines(docs: string | null, options: TextOptions): string[] {
  if (docs === null) return [];
  return docs.length + INDENT > textWidth(options) ? [`    see ${docs}`] : [`${label("see")}${docs}`];
}

/** The commands for the system in use, in the order in which they are typed, then those for other systems. */
export function fixLines(fixes: readonly Fix[], options: TextOptions): string[] {
  const current = fixes[0]?.os;
  const here = fixes.filter(({ os }) => os === current || os === "any");
  const known = new Set(here.map(({ command }) => command));
  const elsewhere = fixes.filter((fix) => !here.includes(fix) && !known.has(fix.command));
  return [
    ...here.flatMap((fix, index) => commandLines(index === 0 ? "run" : fix.os === "any" ? "or" : "then", fix, options)),
    ...elsewhere.flatMap((fix, index) => commandLines(elsewhere[index - 1]?.os === fix.os ? "" : fix.os, fix, options)),
  ];
}

function commandLines(word: string, { os, command }: Fix, options: TextOptions): string[] {
  const text = wrapCommand(harmless(command), textWidth(options) - INDENT, os === "windows" ? "^" : "\\");
  return indented(text, INDENT, label(word));
}

function label(word: string): string {
  return `    ${word.padEnd(INDENT - 4)}`;
}

/** What it comes to; where several things are wrong, also the worst of them and what to do first. */
export function closingLines(report: CheckReport, options: TextOptions): string[] {
  const [worst, ...others] = problemsOf(report);
  if (worst === undefined) return wrapText(`All good${achievement(report)}`, textWidth(options));
  const { id, cause, evidence, fix } = worst;
  // A single one stands right above, and need not be read twice.
  const first = others.length === 0 ? [] : [`${id}: ${harmless(firstSentence(cause ?? evidence))}`];
  const counts = countsOf(others.length === 0 ? report.checks : report.checks.filter((check) => check !== worst));
  const text = wrapText(`${openingOf(report)}: ${[...first, ...counts].join("; ")}`, textWidth(options));
  if (others.length === 0 || fix[0] === undefined) return text;
  const command = wrapCommand(harmless(fix[0].command), textWidth(options) - 7, fix[0].os === "windows" ? "^" : "\\");
  return [...text, ...indented(command, 7, "First: ")];
}

function firstSentence(text: string): string {
  const [line = ""] = text.split("\n");
  return /^.*?(?=\.\s)/.exec(line)?.[0] ?? line;
}

function openingOf({ checks, summary }: CheckReport): string {
  if (summary.fail === 0) return summary.unknown > 0 ? "Usable as far as could be found out" : "Usable";
  return checks.some(({ id, status }) => id === "query" && status === "pass") ? "Connected" : "Cannot connect";
}

/** `tcp failed`, `2 warnings (config, version)`, `9 not tried`. */
function countsOf(checks: readonly CheckResult[]): string[] {
  const names = (status: CheckStatus) => checks.filter((check) => check.status === status).map(({ id }) => id);
  const [fail, unknown, warn, skip] = [names("fail"), names("unknown"), names("warn"), names("skip")];
  return [
    ...(fail.length > 0 ? [`${fail.join(", ")} failed`] : []),
    ...(unknown.length > 0 ? [`${unknown.join(", ")} unknown`] : []),
    ...(warn.length > 0 ? [`${warn.length} ${warn.length === 1 ? "warning" : "warnings"} (${warn.join(", ")})`] : []),
    ...(skip.length > 0 ? [`${skip.length} not tried`] : []),
  ];
}

function achievement({ checks }: CheckReport): string {
  const said = ["query", "tables"].flatMap((id) => checks.find((check) => check.id === id)?.evidence ?? []);
  return said.length === 0 ? "" : `: ${harmless(said.join(", ").replaceAll("\n", ", "))}`;
}
