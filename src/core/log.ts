import { inspect } from "node:util";
import { type ConsolaReporter, createConsola, type LogObject } from "consola/core";
import { printable } from "./printable.ts";

type LogLevel = "debug" | "info" | "warn" | "error";
type LogFields = Readonly<Record<string, unknown>>;

/**
 * What the operator sees. `event` is a stable name such as `database.connected`, `message` says it to a human and is
 * all that the pretty format shows, `fields` are for machines and carry their units in their names.
 * A Secret among the fields is written as its mask.
 */
export interface Log {
  debug(event: string, message: string, fields?: LogFields): void;
  info(event: string, message: string, fields?: LogFields): void;
  /** Of the level info; pretty output marks it as something that went well. */
  success(event: string, message: string, fields?: LogFields): void;
  warn(event: string, message: string, fields?: LogFields): void;
  error(event: string, message: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly format: "pretty" | "json";
  readonly level: LogLevel;
  readonly stream: { write(text: string): unknown };
  /** Symbols for a terminal, else one plain line with its time. */
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
}

/** `text`, not `message`: consola would take an object with a message apart. */
interface Entry {
  readonly event: string;
  readonly text: string;
  readonly fields: LogFields;
}

/** A log on consola, whose levels decide what is written and whose folding of repeated lines is off. */
export function createLog(options: LogOptions): Log {
  const render = options.format === "json" ? renderJson : options.isTerminal ? renderPretty : renderPlain;
  const reporter: ConsolaReporter = {
    log(logged) {
      const entry: Entry = logged.args[0];
      options.stream.write(`${render(logged, entry, options.hasColors)}\n`);
    },
  };
  const consola = createConsola({ reporters: [reporter], throttle: 0, throttleMin: Number.POSITIVE_INFINITY });
  consola.level = { debug: 4, info: 3, warn: 1, error: 0 }[options.level];
  const write =
    (type: LogType) =>
    (event: string, message: string, fields: LogFields = {}) => {
      consola[type]({ event, text: message, fields } satisfies Entry);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    success: write("success"),
    warn: write("warn"),
    error: write("error"),
  };
}

/** Whether a stream's reader wants colours. Source: no-color.org, any non-empty value says no. */
export function wantsColors(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR, TERM } = environment;
  return isTerminal && !NO_COLOR && TERM !== "dumb";
}

type LogType = "debug" | "info" | "success" | "warn" | "error";

const MARKS: Readonly<Record<LogType, { symbol: string; color: number; level: LogLevel }>> = {
  debug: { symbol: "·", color: 90, level: "debug" },
  info: { symbol: "ℹ", color: 36, level: "info" },
  success: { symbol: "✔", color: 32, level: "info" },
  warn: { symbol: "⚠", color: 33, level: "warn" },
  error: { symbol: "✖", color: 31, level: "error" },
};

function markOf(logged: LogObject): (typeof MARKS)[LogType] {
  return MARKS[logged.type as LogType] ?? MARKS.info;
}

function renderPretty(logged: LogObject, entry: Entry, hasColors: boolean): string {
  const { symbol, color } = markOf(logged);
  const mark = hasColors ? `\u001B[${color}m${symbol}\u001B[39m` : symbol;
  return `${mark} ${printable(entry.text)}`;
}

function renderPlain(logged: LogObject, entry: Entry): string {
  return `${logged.date.toISOString()} ${markOf(logged).level.padEnd(5)} ${printable(entry.text)}`;
}

function renderJson(logged: LogObject, entry: Entry): string {
  const head = { time: logged.date.toISOString(), level: markOf(logged).level, event: entry.event, msg: entry.text };
  const fields = Object.entries(entry.fields).map(([name, value]) => [name in head ? `fields.${name}` : name, value]);
  try {
    return JSON.stringify({ ...head, ...Object.fromEntries(fields) }, writable);
  } catch {
    // Circular: better a line that only a human can read than none.
    return JSON.stringify({ ...head, fields: inspect(entry.fields) });
  }
}

function writable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Error ? plainError(value, []) : value;
}

/** An error with its causes. Where they go in a circle, JSON would not see it: each is a new object here. */
function plainError(error: Error, above: readonly unknown[]): object {
  const { name, message, cause } = error;
  const chain = [...above, error];
  const told = !(cause instanceof Error) ? cause : chain.includes(cause) ? undefined : plainError(cause, chain);
  return { name, message, ...("code" in error ? { code: error.code } : {}), cause: told };
}
