import type { ArgDef, ArgsDef } from "citty";
import { closest } from "../config/did-you-mean.ts";
import { oneOf, parseBoolean } from "../config/parse-setting.ts";
import { redact } from "../config/redact.ts";
import { DebyError } from "../errors.ts";

/**
 * Refuses what citty would swallow (unknown flags, values that are missing or not among the choices, stray
 * positionals, a flag given twice) and returns the arguments in the one notation that it cannot misread.
 * Throws USAGE, with the flag that was probably meant.
 * @param repeatable flags that may be given several times; their values come together, with commas
 */
export function checkArguments(
  rawArgs: readonly string[],
  args: ArgsDef,
  repeatable: readonly string[] = [],
): string[] {
  const flags = new Map<string, string>();
  const positionals: string[] = [];
  const rest = [...rawArgs];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") positionals.push(...rest.splice(0));
    else if (!arg.startsWith("-") || arg === "-") positionals.push(arg);
    else {
      const { name, token } = readFlag(arg, rest, args);
      const earlier = flags.get(name);
      const isList = earlier !== undefined && repeatable.includes(name);
      if (!isList && earlier !== undefined && earlier !== token) {
        throw usage(`--${name} is given twice with different values`);
      }
      flags.set(name, isList ? `${earlier},${token.slice(name.length + 3)}` : token);
    }
  }
  checkPositionals(positionals, args);
  return [...flags.values(), "--", ...positionals];
}

/** Takes a flag and, where it has one, its value from the arguments that follow. */
function readFlag(arg: string, rest: string[], args: ArgsDef): { name: string; token: string } {
  const equals = arg.indexOf("=");
  const written = equals === -1 ? arg : arg.slice(0, equals);
  const inline = equals === -1 ? undefined : arg.slice(equals + 1);
  const name = written.replace(/^--/, "");
  const definition = arg.startsWith("--") ? flagNamed(args, name) : undefined;
  if (definition?.type === "boolean") return { name, token: booleanToken(name, inline) };
  if (definition !== undefined) return { name, token: `--${name}=${checkValue(name, definition, inline, rest)}` };

  const negated = name.startsWith("no-") ? name.slice(3) : undefined;
  if (negated !== undefined && inline === undefined && flagNamed(args, negated)?.type === "boolean") {
    return { name: negated, token: `--no-${negated}` };
  }
  throw unknownFlag(written, args);
}

function flagNamed(args: ArgsDef, name: string): ArgDef | undefined {
  const definition = Object.hasOwn(args, name) ? args[name] : undefined;
  return definition?.type === "positional" ? undefined : definition;
}

function booleanToken(name: string, inline: string | undefined): string {
  const value = inline === undefined ? true : parseBoolean(inline);
  if (value === undefined) throw usage(`--${name} must be true or false, received "${redact(inline ?? "")}"`);
  return value ? `--${name}` : `--no-${name}`;
}

function checkValue(name: string, definition: ArgDef, inline: string | undefined, rest: string[]): string {
  const isNext = inline === undefined && rest[0] !== undefined && !/^-[^\d]/.test(rest[0]);
  const value = inline ?? (isNext ? rest.shift() : undefined);
  if (value === undefined || value === "") throw usage(`--${name} needs a value: --${name}=${hintOf(definition)}`);
  const choices = definition.type === "enum" ? (definition.options ?? []) : [];
  if (choices.length > 0 && !choices.includes(value)) {
    throw usage(`--${name} must be ${oneOf(choices)}, received "${redact(value)}"`);
  }
  return value;
}

function hintOf(definition: ArgDef): string {
  return `<${definition.valueHint ?? (definition.type === "enum" ? definition.options?.join("|") : "value")}>`;
}

function unknownFlag(written: string, args: ArgsDef): DebyError {
  const known = Object.keys(args).filter((name) => flagNamed(args, name) !== undefined);
  const name = written.replace(/^-+/, "");
  // A secret is not taken from the command line where its file can be.
  const near = known.includes(`${name}-file`) ? `${name}-file` : closest(name, known);
  return usage(`Unknown flag ${written}${near === undefined ? "" : `; did you mean --${near}?`}`);
}

function checkPositionals(positionals: readonly string[], args: ArgsDef): void {
  const defined = Object.entries(args).filter(([, { type }]) => type === "positional");
  const stray = positionals[defined.length];
  if (stray !== undefined) throw usage(`Unexpected argument "${redact(stray)}"`);
  const missing = defined.slice(positionals.length).find(([, { required }]) => required !== false);
  if (missing !== undefined) throw usage(`The argument <${missing[0]}> is missing`);
}

function usage(message: string): DebyError {
  return new DebyError("USAGE", message);
}
