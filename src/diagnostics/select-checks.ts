import { closest } from "../config/did-you-mean.ts";
import { DebyError } from "../errors.ts";
import type { Check, CheckResult } from "./check.ts";

/** Which checks are run, and which of them are reported. */
export interface Selection {
  /** The checks asked for and those that they need, in order. */
  readonly checks: readonly Check[];
  /** A check that is only needed by others is reported where it stands in their way. */
  isReported(result: Pick<CheckResult, "id" | "status">): boolean;
}

/** Ids of checks, or names of groups. */
export interface Wishes {
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
}

/**
 * The checks that `only` names (default: all) without those that `skip` names.
 * @throws DebyError USAGE for a name that no check and no group has, with the one that was probably meant
 */
export function selectChecks(all: readonly Check[], { only, skip = [] }: Wishes = {}): Selection {
  const wanted = new Set(only === undefined ? all : checksNamed(all, only, "only"));
  for (const check of checksNamed(all, skip, "skip")) wanted.delete(check);
  if (wanted.size === 0) throw new DebyError("USAGE", "--only and --skip leave no check");
  const asked = new Set([...wanted].map(({ id }) => id));
  return {
    checks: withNeeds(all, asked),
    isReported: ({ id, status }) => asked.has(id) || status === "fail" || status === "unknown",
  };
}

const GROUPS: readonly string[] = ["connection", "health"] satisfies Check["group"][];

function checksNamed(all: readonly Check[], names: readonly string[], flag: string): Check[] {
  return names.flatMap((name) => {
    const found = all.filter(({ id, group }) => id === name || group === name);
    if (found.length === 0 && !GROUPS.includes(name)) throw unknownCheck(all, name, `--${flag}`);
    return found;
  });
}

/** The error for a name that nobody has. */
export function unknownCheck(all: readonly Check[], name: string, flag: string): DebyError {
  const near = closest(name, [...all.map(({ id }) => id), ...GROUPS]);
  const hint = near === undefined ? "deby check --list shows them" : `did you mean ${near}?`;
  return new DebyError("USAGE", `${flag} names no check: "${name}"; ${hint}`);
}

function withNeeds(all: readonly Check[], ids: ReadonlySet<string>): readonly Check[] {
  const needed = new Set(ids);
  // A check only needs earlier ones, so one pass from the end finds them all.
  for (const check of [...all].reverse()) if (needed.has(check.id)) for (const id of check.needs) needed.add(id);
  return all.filter(({ id }) => needed.has(id));
}
