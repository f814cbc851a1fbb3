import type { ArgDef, ArgsDef } from "citty";
import { DATABASE_SETTINGS, DATABASE_URL } from "../config/database-settings.ts";
import { DURATION_EXAMPLES, parseDuration } from "../config/duration.ts";
import { type CommandName, SETTINGS, type SettingDescriptor } from "../config/schema.ts";
import { DebyError } from "../errors.ts";
import type { Flags } from "./command.ts";

/** The flags that name the database: `--db-url`, `--db-host` and so on. */
export function databaseFlags(): ArgsDef {
  const { flag, valueHint, meaning, variable } = DATABASE_URL;
  const flags: ArgsDef = { [flag]: { type: "string", valueHint, description: `${meaning} (${variable})` } };
  for (const setting of DATABASE_SETTINGS) {
    if (setting.flag === undefined) continue;
    const hints = [setting.default && `default ${setting.default}`, setting.libpq].filter(Boolean).join(", ");
    const description = `${setting.isSecret ? `file that holds ${setting.meaning}` : setting.meaning} (${hints})`;
    flags[setting.flag] = { type: "string", valueHint: setting.valueHint, description };
  }
  return flags;
}

/** The flags of the settings that a command offers, as the schema declares them. */
export function settingFlags(command: CommandName): ArgsDef {
  const flags: ArgsDef = {};
  for (const setting of SETTINGS as readonly SettingDescriptor[]) {
    if (!setting.commands.includes(command)) continue;
    flags[setting.name] = flagOf(setting);
    if (setting.kind === "secret") {
      flags[`${setting.name}-file`] = { type: "string", valueHint: "file", description: "file that holds it" };
    }
  }
  return flags;
}

/**
 * Milliseconds of a command's own duration flag, or undefined when it was not given.
 * Throws USAGE when it is no duration.
 */
export function durationFlag(flags: Flags, name: string): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const ms = parseDuration(String(text));
  if (ms !== undefined) return ms;
  throw new DebyError("USAGE", `--${name} must be a duration such as ${DURATION_EXAMPLES}, received "${text}"`);
}

const VALUE_HINTS: Record<Exclude<SettingDescriptor["kind"], "choice" | "boolean">, string> = {
  count: "number",
  duration: "duration",
  durations: "durations",
  percent: "percent",
  bytes: "size",
  host: "address",
  image: "image",
  file: "file",
  folder: "folder",
  secret: "token",
};

function flagOf(setting: SettingDescriptor): ArgDef {
  if (setting.kind === "boolean") return { type: "boolean", description: setting.meaning };
  const valueHint = setting.kind === "choice" ? setting.choices.join("|") : VALUE_HINTS[setting.kind];
  const description =
    setting.default === undefined ? setting.meaning : `${setting.meaning} (default ${setting.default})`;
  return { type: "string", valueHint, description };
}
