import { readFileSync } from "node:fs";
import { DebyError } from "../errors.ts";

/** Where in a program's source something is wrong. */
interface Place {
  readonly file: string;
  readonly line: number;
}

/** ROUTES_INVALID with the file, the line where it is known, and the reason. */
export function routesError(file: string, reason: string, cause?: unknown): DebyError {
  const place = cause === undefined ? undefined : placeOf(firstOf(cause), file);
  const where = place === undefined ? file : `${place.file}:${place.line}`;
  const options = cause === undefined ? {} : { cause };
  return new DebyError("ROUTES_INVALID", `Cannot load the routes of ${where}: ${reason}`, options);
}

/** What Bun says of a module that it cannot build, or the message of what the module threw. */
export function reasonOf(error: unknown): string {
  const first = firstOf(error);
  if (!(first instanceof Error)) return String(first);
  const isTelling = first.name !== "Error" && first.name !== "BuildMessage" && first.name !== "ResolveMessage";
  return isTelling ? `${first.name}: ${first.message}` : first.message;
}

/** Bun gathers several build failures in one error; the first is the one to fix. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function placeOf(error: unknown, file: string): Place | undefined {
  if (error instanceof BuildMessage && error.position) {
    return { file: error.position.file || file, line: error.position.line };
  }
  // Bun does not tell the line of an import that fails, so it is looked for.
  if (error instanceof ResolveMessage) return placeOfText(error.referrer || file, error.specifier);
  if (!(error instanceof Error)) return undefined;
  const missing = /^Export named '(.+?)' not found/.exec(error.message)?.[1];
  return missing === undefined ? placeInStack(error.stack ?? "") : placeOfText(file, missing);
}

function placeOfText(file: string, text: string): Place | undefined {
  try {
    const index = readFileSync(file, "utf8")
      .split("\n")
      .findIndex((line) => line.includes(text));
    return index === -1 ? undefined : { file, line: index + 1 };
  } catch {
    return undefined;
  }
}

/** The topmost frame that is a file of the user's, not of this program or of a package. */
function placeInStack(stack: string): Place | undefined {
  for (const [, file, line] of stack.matchAll(/(?:\(|at )((?:\/|[A-Za-z]:[\\/])[^()\n]*?):(\d+)(?::\d+)?\)?/g)) {
    if (file === undefined || /[\\/](?:node_modules|\$bunfs|~BUN)[\\/]/.test(file)) continue;
    return { file, line: Number(line) };
  }
  return undefined;
}
