import { variableName } from "../config/schema.ts";
import { createLog } from "../core/log.ts";
import { DebyError } from "../errors.ts";
import type { CommandIo } from "./io.ts";

/**
 * Tells an error that ends a command, on stderr, and returns the exit code. A DebyError is told by its message alone;
 * anything else is a fault of deby's, whose stack is shown at the level `debug`.
 * The configuration may be what failed, so the log settings are looked for in the arguments and the environment.
 * `isKnown`: whether the first argument is a command, whose help can be pointed to.
 */
export function reportError(
  error: unknown,
  { argv, io, isKnown }: { readonly argv: readonly string[]; readonly io: CommandIo; readonly isKnown: boolean },
): number {
  const isOurs = error instanceof DebyError;
  const wantsStack = !isOurs && peek("log-level", argv, io) === "debug";
  const text = [messageOf(error, isOurs)];
  if (isOurs && error.code === "USAGE") text.push(`See deby${isKnown ? ` ${argv[0]}` : ""} --help`);
  if (wantsStack && error instanceof Error && error.stack !== undefined) text.push(error.stack);
  else if (!isOurs) text.push("Run it again with --log-level debug for the stack");

  if (peek("log-format", argv, io) === "json") {
    const stream = io.stderr;
    const log = createLog({ format: "json", level: "error", stream, isTerminal: false, hasColors: false });
    log.error("command.failed", text.join("\n"), { code: isOurs ? error.code : "INTERNAL_ERROR" });
  } else io.stderr.write(`deby: ${text.join("\n")}\n`);
  return isOurs ? error.exitCode : 1;
}

function messageOf(error: unknown, isOurs: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  return isOurs ? message : `Unexpected error: ${message}`;
}

function peek(name: string, argv: readonly string[], io: CommandIo): string | undefined {
  const at = argv.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at === -1) return io.env[variableName(name)];
  const arg = argv[at] ?? "";
  return arg.includes("=") ? arg.slice(arg.indexOf("=") + 1) : argv[at + 1];
}
