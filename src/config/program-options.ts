import { DATABASE_SETTINGS, DATABASE_URL } from "./database-settings.ts";
import { closest } from "./did-you-mean.ts";
import { Findings } from "./findings.ts";
import type { FlagValues } from "./levels.ts";
import { inCamelCase, optionName } from "./option-name.ts";
import { SETTINGS, type SettingDescriptor } from "./schema.ts";

/** The settings that a program's database has: those of the connection system. */
export const PROGRAM_SETTINGS: readonly SettingDescriptor[] = SETTINGS.filter(
  ({ group, name }) => group === "Pool" || group === "Detection and recovery" || name === "request-timeout",
);

/** Options by their names; each leads to the name of a flag. */
const FLAGS: ReadonlyMap<string, string> = new Map(
  [
    DATABASE_URL.flag,
    ...DATABASE_SETTINGS.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}-file`] : [name])),
    ...PROGRAM_SETTINGS.map(({ name }) => name),
  ].map((flag) => [optionName(flag), flag]),
);

/**
 * A program's options as if they were flags, for `loadConfig`. Types are no proof at run time: what they would refuse is
 * refused here.
 * @throws DebyError CONFIG_INVALID with every problem at once.
 */
export function flagsOfOptions(options: Readonly<Record<string, unknown>>): FlagValues {
  const findings = new Findings();
  const flags: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const flag = FLAGS.get(name);
    const text = textOf(value);
    if (flag === undefined) findings.refuse(unknownOption(name));
    else if (text === undefined) findings.refuse(`option ${name} must be text or a number, received ${kindOf(value)}`);
    else flags[flag] = text;
  }
  findings.throwIfRefused();
  return flags;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return Array.isArray(value) ? value.join(",") : undefined;
}

function unknownOption(name: string): string {
  const near = name === inCamelCase(DATABASE_URL.flag) ? optionName(DATABASE_URL.flag) : closest(name, FLAGS.keys());
  return `${name} is not an option of deby${near === undefined ? "" : `; did you mean ${near}?`}`;
}

/** Never the value: it may be a password's. */
function kindOf(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}
