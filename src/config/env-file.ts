import { DebyError } from "../errors.ts";
import type { ReadFile } from "./read-file.ts";
import { errorCode } from "./read-file.ts";

export interface EnvFile {
  readonly variables: Readonly<Record<string, string>>;
  /** Lines that are no assignment: they set nothing, and somebody should know. */
  readonly warnings: readonly string[];
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[^\S\n]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/**
 * Reads the text of a `.env` file: `NAME=value`, an optional `export`, single and double quotes that may span lines,
 * comments. Nothing is expanded: a `$` is a `$`.
 *
 * It is our own because `util.parseEnv` ends an unquoted value at any `#`, which would cut a password short without a
 * word; here, as in a shell and in Docker Compose, a comment begins at a `#` after white space.
 */
export function parseEnvFile(text: string): EnvFile {
  const variables: Record<string, string> = {};
  const warnings: string[] = [];
  let rest = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  let line = 1;
  while (rest !== "") {
    const taken = takeLine(rest);
    if (taken.name !== undefined) variables[taken.name] = taken.value;
    else if (taken.isDoubtful) warnings.push(`.env line ${line} is not understood and was skipped`);
    line += rest.slice(0, taken.length).split("\n").length - 1;
    rest = rest.slice(taken.length);
  }
  return { variables, warnings };
}

/**
 * The `.env` file's text, or undefined when there is none.
 * Throws CONFIG_INVALID when it is there but cannot be read.
 */
export function readEnvFile(path: string, readFile: ReadFile): string | undefined {
  try {
    return readFile(path).text;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const reason = code === "EISDIR" ? "it is a directory" : code;
    throw new DebyError("CONFIG_INVALID", `Cannot read ${path}: ${reason}; make it readable or move it away`, {
      cause: error,
      reason: code,
    });
  }
}

type Taken = { readonly length: number } & (
  | { readonly name: string; readonly value: string }
  | { readonly name?: undefined; readonly isDoubtful: boolean }
);

/** The next assignment, comment or empty line, and how much of the text it takes with its line's end. */
function takeLine(text: string): Taken {
  const end = text.indexOf("\n") === -1 ? text.length : text.indexOf("\n") + 1;
  const firstLine = text.slice(0, end);
  const match = ASSIGNMENT.exec(firstLine);
  const name = match?.[1];
  if (match === null || name === undefined) {
    const trimmed = firstLine.trim();
    return { length: end, isDoubtful: trimmed !== "" && !trimmed.startsWith("#") };
  }
  const quoted = takeQuoted(text.slice(match[0].length));
  if (quoted !== undefined) return { length: match[0].length + quoted.length, name, value: quoted.value };
  const value = firstLine
    .slice(match[0].length)
    .replace(/(^|\s)#.*$/s, "")
    .trim();
  // A quote that never closes would swallow the rest of the file or become part of a password.
  if (/^['"]/.test(value)) return { length: end, isDoubtful: true };
  return { length: end, name, value };
}

/** A value in quotes, if one begins here and nothing but a comment follows it on its line. */
function takeQuoted(text: string): { readonly value: string; readonly length: number } | undefined {
  const match = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")[^\S\n]*(?:#[^\n]*)?(?:\n|$)/s.exec(text);
  if (match === null) return undefined;
  const [whole, single, double = ""] = match;
  const value = single ?? double.replace(/\\(.)/gs, (sequence, letter: string) => ESCAPES[letter] ?? sequence);
  return { value, length: whole.length };
}
