import type { Log } from "../core/log.ts";
import { printable } from "../core/printable.ts";

/** Told in sentences what becomes of the database; `console` and consola are such. */
export interface LineLog {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** @internal Everything as one line; the levels that a LineLog does not know become `info`, what is for debugging goes nowhere. */
export function logTo(lines: LineLog): Log {
  return {
    debug() {},
    info: (_event, message) => lines.info(printable(message)),
    success: (_event, message) => lines.info(printable(message)),
    warn: (_event, message) => lines.warn(printable(message)),
    error: (_event, message) => lines.error(printable(message)),
  };
}
