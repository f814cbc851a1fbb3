import type { DatabaseSource } from "./database-sources.ts";
import type { Findings } from "./findings.ts";
import { type Level, lookUp, type Named } from "./levels.ts";
import { parseBoolean } from "./parse-setting.ts";
import { type SettingName, type SettingValues, variableName } from "./schema.ts";

/** What the highest level that has the setting says of it. */
function named(levels: readonly Level[], name: SettingName): Named | undefined {
  const names = { flag: name, variables: [variableName(name)] };
  return levels.map((level) => lookUp(level, names)).find((found) => found !== undefined);
}

/** Whether the embedded database is wanted; looked at before all else, since no other database counts then. */
export function wantsEmbedded(levels: readonly Level[]): boolean {
  return parseBoolean(named(levels, "embedded")?.text.trim() ?? "") ?? false;
}

/**
 * Refuses a database that a flag names beside the embedded one, and warns about one that is named elsewhere: there it
 * may be meant for another command.
 */
export function reportUnusedDatabase(sources: readonly DatabaseSource[], findings: Findings): void {
  const namesOf = (wanted: (source: DatabaseSource) => boolean) => {
    const parts = sources.filter(wanted).flatMap(({ parts, problem }) => {
      // A problem begins with the name of what has it.
      return problem === undefined ? Object.values(parts).map((part) => part?.from) : [problem.split(" ")[0]];
    });
    return [...new Set(parts)].join(", ");
  };
  const flags = namesOf(({ source }) => source === "flag");
  if (flags !== "")
    findings.refuse(`embedded brings a database of its own, and ${flags} names another one; use either`);
  const others = namesOf(({ source }) => source !== "flag");
  if (others !== "") findings.warn(`Not used, since embedded brings a database of its own: ${others}`);
}

/** Refuses what the embedded database can never be, and warns about what means nothing without it. */
export function checkEmbedded(levels: readonly Level[], values: SettingValues, findings: Findings): void {
  const wanted = values["target-session-attrs"];
  if (wantsEmbedded(levels)) {
    if (wanted !== "standby" && wanted !== "read-only") return;
    const from = named(levels, "target-session-attrs")?.from ?? "default";
    findings.refuse(`target-session-attrs must not be ${wanted} (${from}) with embedded, which takes writes`);
    return;
  }
  const folder = named(levels, "data-dir");
  if (folder !== undefined) findings.warn(`${folder.from} has no effect without --embedded`);
}

/** The levels without libpq's variables, which speak of another database. */
export function withoutLibpq(levels: readonly Level[]): readonly Level[] {
  return levels.map((level) => {
    return { ...level, get: (name) => (/^PG[A-Z_]+$/.test(name) ? undefined : level.get(name)) };
  });
}
