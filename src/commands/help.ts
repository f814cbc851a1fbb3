import type { ArgDef, ArgsDef } from "citty";
import { SETTINGS } from "../config/schema.ts";
import { wantsColors } from "../core/log.ts";
import type { Command } from "./command.ts";
import type { CommandIo } from "./io.ts";

export interface CommandSummary {
  readonly name: string;
  readonly summary: string;
}

/**
 * Help is rendered here, since citty's neither wraps nor groups forty flags, colours what is no terminal and knows
 * NO_COLOR only as "1".
 */
export function renderOverview(commands: readonly CommandSummary[], io: CommandIo): string {
  const { heading } = styleFor(io);
  return lines([
    "deby keeps a service that lives on PostgreSQL up when the database is not.",
    "",
    heading("Usage:"),
    "  deby <command> [flags]",
    "",
    heading("Commands:"),
    ...columns(
      commands.map(({ name, summary }) => [name, summary]),
      io,
    ),
    "",
    heading("Start here:"),
    ...columns(
      [
        ["deby check", "is my database reachable and healthy, and if not, what do I do?"],
        ["deby serve", "run the API; it waits for the database and survives its outages"],
        ["deby <command> --help", "every flag, its default and its meaning"],
      ],
      io,
    ),
    "",
    "The database is taken from --db-url, DATABASE_URL, PGHOST and friends, or .env;",
    "without any of them it is postgres@localhost:5432/deby_ecommerce.",
  ]);
}

/** The help of one command: usage, examples, then its flags by group. */
export function renderCommandHelp({ name, summary }: CommandSummary, command: Command, io: CommandIo): string {
  const { heading } = styleFor(io);
  const positionals = Object.entries(command.args).filter(([, { type }]) => type === "positional");
  const words = positionals.map(([word, { required }]) => (required === false ? `[${word}]` : `<${word}>`));
  const text = [
    `deby ${name}: ${summary}`,
    "",
    heading("Usage:"),
    `  ${["deby", name, ...words, "[flags]"].join(" ")}`,
  ];
  if (positionals.length > 0) {
    const rows = positionals.map(([word, { description = "" }]): Row => [`<${word}>`, description]);
    text.push("", heading("Arguments:"), ...columns(rows, io));
  }
  if (command.examples.length > 0) {
    text.push("", heading("Examples:"), ...command.examples.map((example) => `  ${example}`));
  }
  for (const [group, rows] of groupFlags(command.args)) text.push("", heading(`${group}:`), ...columns(rows, io));
  text.push("", "Every setting is also read from the environment and .env: --pool-max is DEBY_POOL_MAX.");
  return lines(text);
}

type Row = readonly [left: string, right: string];

/** A command's own flags first, then the database's, then the settings in the schema's groups. */
function groupFlags(args: ArgsDef): ReadonlyMap<string, Row[]> {
  const groupOf = new Map<string, string>(SETTINGS.map(({ name, group }) => [name, group]));
  const groups = new Map<string, Row[]>([["Options", []]]);
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    const group = groupOf.get(name.replace(/-file$/, "")) ?? (name.startsWith("db-") ? "Database" : "Options");
    const rows = groups.get(group) ?? [];
    rows.push([flagText(name, definition), definition.description ?? ""]);
    groups.set(group, rows);
  }
  groups.get("Options")?.push(["--help", "this text"]);
  return groups;
}

function flagText(name: string, definition: ArgDef): string {
  if (definition.type === "boolean") return `--${name}`;
  const choices = definition.type === "enum" ? definition.options?.join("|") : undefined;
  return `--${name} <${definition.valueHint ?? choices ?? "value"}>`;
}

const LEFT_WIDTH = 30;
const NARROWEST_RIGHT = 40;
const STACKED_INDENT = 6;

/** Two columns, the right one wrapped to the terminal's width or 100; one below the other where that is too narrow. */
function columns(rows: readonly Row[], io: CommandIo): string[] {
  const total = Math.min(io.stdout.columns ?? 100, 120);
  const longest = Math.max(...rows.map(([left]) => left.length));
  const beside = Math.min(longest, LEFT_WIDTH) + 4;
  const indent = total - beside >= NARROWEST_RIGHT ? beside : STACKED_INDENT;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, total - indent).map((line) => " ".repeat(indent) + line);
    if (left.length + 4 > indent) return [`  ${left}`, ...lines];
    return [`  ${left}`.padEnd(indent) + lines[0]?.slice(indent), ...lines.slice(1)];
  });
}

function wrap(text: string, width: number): string[] {
  const wrapped: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      wrapped.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...wrapped, line];
}

function styleFor(io: CommandIo): { heading(text: string): string } {
  const hasColors = wantsColors(io.stdout.isTTY === true, io.env);
  return { heading: (text) => (hasColors ? `\u001B[1m${text}\u001B[22m` : text) };
}

function lines(text: readonly string[]): string {
  return `${text.map((line) => line.trimEnd()).join("\n")}\n`;
}
