import type { CheckResult, Fix } from "../diagnostics/check.ts";
import type { CheckReport, TableFact } from "../diagnostics/report-model.ts";
import { harmless, indented, paint, statusMark, type TextOptions, wrapCommand, wrapText } from "./check-text.ts";

const DEFAULT_COLUMNS = 100;
const TABLES_SHOWN = 20;
/** Wide enough for a mark and the longest id. */
const ID_WIDTH = 10;
const INDENT = 12 + ID_WIDTH;
/** Commands start further left than prose: they should fit on a line. */
const COMMAND_INDENT = 12;

/** Worse first. */
const SEVERITY = ["fail", "unknown", "warn"] as const;

const CONNECTING = ["dns", "tcp", "protocol", "tls", "auth", "database"];

/** The report for programs. */
export function renderCheckJson(report: CheckReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** The report for people: what is wrong, then all that was looked at, then one closing line. */
export function renderCheckText(report: CheckReport, options: TextOptions = {}): string {
  const { target, checks, tables } = report;
  const problems = SEVERITY.flatMap((severity) => checks.filter(({ status }) => status === severity));
  const config = checks.find(({ id }) => id === "config");
  const sections = [
    [harmless(`deby check: ${target.user}@${target.address}/${target.database}`)],
    section(
      "Problems",
      problems.flatMap((result) => problemLines(result, options)),
      options,
    ),
    section("Configuration", indented(wrapText(harmless(config?.evidence ?? ""), width(options, 2)), 2), options),
    section(
      "Connection",
      checks.filter((result) => result !== config).flatMap((result) => rowLines(result, options)),
      options,
    ),
    section("Tables", tableLines(tables), options),
    closingLines(report, options),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${text.join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[], options: TextOptions): string[] {
  return lines.length === 0 ? [] : [paint(title, 1, options), ...lines];
}

/** One check as one row: mark, id, what was seen. */
function rowLines({ id, status, evidence }: CheckResult, options: TextOptions): string[] {
  return checkLines({ id, status }, evidence, options);
}

function checkLines({ id, status }: Pick<CheckResult, "id" | "status">, text: string, options: TextOptions): string[] {
  const lead = `  ${statusMark(status, options)} ${id.padEnd(ID_WIDTH)}`;
  return indented(wrapText(harmless(text), width(options, INDENT)), INDENT, lead);
}

/** A check that found something, with its cause, its fixes by system and where to read on. */
function problemLines(result: CheckResult, options: TextOptions): string[] {
  const docs = result.docs === null ? [] : [`    docs    ${result.docs}`];
  const cause = checkLines(result, result.cause ?? result.evidence, options);
  return [...cause, ...fixLines(result.fix, options), ...docs];
}

function fixLines(fixes: readonly Fix[], options: TextOptions): string[] {
  const commands = new Set(fixes.map(({ command }) => command));
  // The same command wherever it is typed needs to be said once.
  if (commands.size === 1 && fixes[0] !== undefined) return commandLines("run", fixes[0], options);
  return fixes.flatMap((fix, index) => commandLines(fixes[index - 1]?.os === fix.os ? "" : fix.os, fix, options));
}

function commandLines(label: string, { os, command }: Fix, options: TextOptions): string[] {
  const lines = wrapCommand(harmless(command), width(options, COMMAND_INDENT), os === "windows" ? "^" : "\\");
  return indented(lines, COMMAND_INDENT, `    ${label.padEnd(COMMAND_INDENT - 4)}`);
}

function tableLines(tables: readonly TableFact[]): string[] {
  const shown = tables.slice(0, TABLES_SHOWN).map(({ schema, name, estimatedRows, bytes }) => ({
    name: harmless(`${schema}.${name}`),
    rows: estimatedRows === null ? "rows unknown" : `~${estimatedRows.toLocaleString("en-US")} rows`,
    size: bytes === null ? "locked" : humanSize(bytes),
  }));
  const widest = (column: "name" | "rows") => Math.max(...shown.map((row) => row[column].length));
  const nameWidth = Math.min(widest("name"), DEFAULT_COLUMNS - 40);
  const lines = shown.map(({ name, rows, size }) => {
    return `  ${name.padEnd(nameWidth)}  ${rows.padStart(widest("rows"))}  ${size.padStart(9)}`;
  });
  const more = tables.length - shown.length;
  return more > 0 ? [...lines, `  and ${more} more, which --json lists`] : lines;
}

/** What it comes to: usable or not, why, and the one thing to do. */
function closingLines({ checks, summary }: CheckReport, options: TextOptions): string[] {
  const worst = SEVERITY.map((severity) => checks.find(({ status }) => status === severity)).find(Boolean);
  if (worst === undefined) return wrapText(`All good: ${achievement(checks)}`, width(options, 0));
  const verdict = `${openingOf(worst, summary)}: ${harmless(firstSentence(worst.cause ?? worst.evidence))}.`;
  const [fix] = worst.fix;
  const whole = fix === undefined ? verdict : `${verdict} Fix: ${harmless(fix.command)}`;
  if (fix === undefined || whole.length <= width(options, 0)) return wrapText(whole, width(options, 0));
  const command = wrapCommand(harmless(fix.command), width(options, 5), fix.os === "windows" ? "^" : "\\");
  return [...wrapText(verdict, width(options, 0)), ...indented(command, 5, "Fix: ")];
}

function openingOf({ id, status }: CheckResult, { warn }: CheckReport["summary"]): string {
  if (status === "warn") return `Usable, with ${warn} ${warn === 1 ? "warning" : "warnings"}`;
  if (status === "unknown") return "Usable as far as could be found out";
  return CONNECTING.includes(id) ? "Cannot connect" : "Connected, but not usable";
}

function achievement(checks: readonly CheckResult[]): string {
  const said = ["query", "tables"].map((id) => checks.find((check) => check.id === id)?.evidence);
  return harmless(said.filter((text) => text !== undefined).join(", "));
}

function firstSentence(text: string): string {
  const [line = ""] = text.split("\n");
  return (/^.*?(?=\.\s)/.exec(line)?.[0] ?? line).replace(/\.$/, "");
}

function width({ columns }: TextOptions, indent: number): number {
  // A terminal that does not know its width says 0.
  return Math.max(60, Math.min(columns || DEFAULT_COLUMNS, DEFAULT_COLUMNS)) - indent;
}

function humanSize(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`;
}
