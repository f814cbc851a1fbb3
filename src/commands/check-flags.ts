import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ArgsDef } from "citty";
import type { FailOn } from "../diagnostics/report-model.ts";
import type { Wishes } from "../diagnostics/select-checks.ts";
import { DebyError } from "../errors.ts";
import type { Flags } from "./command.ts";
import { durationFlag } from "./flags.ts";

const DEFAULT_TIMEOUT_MS = 5_000;

/** What one run of `deby check` is asked for, beyond the configuration. */
export interface CheckWishes extends Wishes {
  readonly wantsJson: boolean;
  readonly junitFile: string | undefined;
  readonly timeoutMs: number;
  /** How long to wait for a usable database; undefined for one look. */
  readonly waitMs: number | undefined;
  readonly failOn: FailOn;
}

export const CHECK_FLAGS = {
  wait: { type: "string", valueHint: "duration", description: "repeat until the database is usable, at most so long" },
  only: { type: "string", valueHint: "ids", description: "only these checks or groups, separated by commas" },
  skip: { type: "string", valueHint: "ids", description: "without these checks or groups, separated by commas" },
  "fail-on": {
    type: "enum",
    options: ["warn", "fail"],
    description: "the least that makes the exit code 1 (default fail)",
  },
  timeout: { type: "string", valueHint: "duration", description: "limit of each step (default 5s)" },
  json: { type: "boolean", description: "print the report as JSON and nothing else on stdout" },
  junit: { type: "string", valueHint: "file", description: "write the report there as JUnit XML as well" },
  list: { type: "boolean", description: "show the checks, then exit" },
  explain: { type: "string", valueHint: "id", description: "explain a check, or a code such as 28P01, then exit" },
} as const satisfies ArgsDef;

/** @throws DebyError USAGE with name, rule and value */
export function readCheckFlags(flags: Flags): CheckWishes {
  return {
    wantsJson: flags["json"] === true,
    junitFile: readJunitFlag(flags),
    timeoutMs: positiveDuration(flags, "timeout") ?? DEFAULT_TIMEOUT_MS,
    waitMs: positiveDuration(flags, "wait"),
    failOn: flags["fail-on"] === "warn" ? "warn" : "fail",
    only: readNames(flags, "only"),
    skip: readNames(flags, "skip"),
  };
}

function positiveDuration(flags: Flags, name: string): number | undefined {
  const ms = durationFlag(flags, name);
  if (ms === undefined || ms > 0) return ms;
  throw new DebyError("USAGE", `--${name} must be more than 0ms, received "${flags[name]}"`);
}

function readNames(flags: Flags, name: string): string[] | undefined {
  const names = flags[name]?.toString().split(",");
  return names?.map((each) => each.trim()).filter((each) => each !== "");
}

/** That the file can be written is found out before the run, not after it. */
function readJunitFlag({ junit }: Flags): string | undefined {
  if (junit === undefined) return undefined;
  const folder = dirname(resolve(junit.toString()));
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new DebyError("USAGE", `--junit cannot be written: there is no writable folder ${folder}`, { cause: error });
  }
  return junit.toString();
}
