import type { DatabasePart } from "./database-settings.ts";
import type { DatabaseSource } from "./database-sources.ts";
import type { SettingSource } from "./database-target.ts";
import type { Findings } from "./findings.ts";
import { type Level, lookUp, lookUpSecret, type Named } from "./levels.ts";
import { formatRanged, parseSetting, ruleOf, type SettingValue } from "./parse-setting.ts";
import type { ReadFile } from "./read-file.ts";
import { redact } from "./redact.ts";
import { SETTINGS, type SettingDescriptor, type SettingName, type SettingValues, variableName } from "./schema.ts";
import { Secret } from "./secret.ts";

/** Settings that a URL and libpq's variables name as well. */
const LIBPQ_COUNTERPARTS: Partial<Record<SettingName, { part: DatabasePart; variable: string }>> = {
  "connect-timeout": { part: "connect_timeout", variable: "PGCONNECT_TIMEOUT" },
  "target-session-attrs": { part: "target_session_attrs", variable: "PGTARGETSESSIONATTRS" },
};

export interface SettingsContext {
  readonly levels: readonly Level[];
  readonly databaseSources: readonly DatabaseSource[];
  readonly readFile: ReadFile;
  readonly findings: Findings;
}

/** The value of every setting and where it came from; what breaks a rule is told to `findings`. */
export function readSettings(context: SettingsContext): {
  values: SettingValues;
  sources: readonly SettingSource[];
} {
  const named = new Map<string, Named>();
  const values = new Map<string, SettingValue | undefined>();
  for (const setting of SETTINGS) {
    const found = findSetting(setting, context);
    if (found !== undefined) named.set(setting.name, found);
    values.set(setting.name, readValue(setting, found, context.findings));
  }
  for (const setting of SETTINGS) keepBelow(setting, { values, named, findings: context.findings });

  const sources = SETTINGS.filter(shapesServer).map((setting: SettingDescriptor) => {
    const { source, from } = named.get(setting.name) ?? { source: "default" as const, from: "" };
    return {
      name: setting.name,
      value: shown(setting, values.get(setting.name), named.get(setting.name)),
      source,
      from,
    };
  });
  // Each value was read by its own descriptor's kind, from which SettingValues is derived too.
  return { values: Object.fromEntries(values) as SettingValues, sources };
}

/** The value of one setting alone, whatever stands in the others. */
export function readOneSetting<N extends SettingName>(name: N, context: SettingsContext): SettingValues[N] {
  const setting = SETTINGS.find((candidate) => candidate.name === name);
  if (setting === undefined) throw new Error(`There is no setting ${name}`);
  return readValue(setting, findSetting(setting, context), context.findings) as SettingValues[N];
}

/** What only says how an outage is simulated is of no interest where a server's configuration is shown. */
function shapesServer({ commands }: SettingDescriptor): boolean {
  return commands.some((command) => command !== "simulate-outage");
}

/** The text of a setting on the highest level that has one, under any of its names. */
function findSetting(setting: SettingDescriptor & { name: SettingName }, context: SettingsContext): Named | undefined {
  const { levels, databaseSources, readFile, findings } = context;
  const names = { flag: setting.name, variables: [variableName(setting.name), ...(setting.alsoReads ?? [])] };
  const counterpart = LIBPQ_COUNTERPARTS[setting.name];
  for (const level of levels) {
    const own = setting.kind === "secret" ? lookUpSecret(level, names, readFile, findings) : lookUp(level, names);
    if (own !== undefined) {
      if (setting.kind === "secret" && own.from === `--${setting.name}`) {
        findings.warn(`${own.from} is visible to other users of this machine; use --${setting.name}-file`);
      }
      return own;
    }
    if (counterpart === undefined) continue;
    const inUrl = databaseSources.find(({ source, parts }) => source === level.source && parts[counterpart.part]);
    const found = inUrl?.parts[counterpart.part] ?? lookUp(level, { variables: [counterpart.variable] });
    const converted = found && setting.kind === "duration" ? inSeconds(found, findings) : found;
    if (converted !== undefined) return converted;
  }
  return undefined;
}

/** libpq writes its timeout as a bare number of seconds, and 0 for none at all, which deby does not offer. */
function inSeconds(named: Named, findings: Findings): Named | undefined {
  if (/^0+$/.test(named.text)) {
    findings.warn(`${named.from} asks for no connect timeout, which deby does not offer; it is ignored`);
    return undefined;
  }
  return /^\d+$/.test(named.text) ? { ...named, text: `${named.text}s` } : named;
}

function readValue(setting: SettingDescriptor, named: Named | undefined, findings: Findings): SettingValue | undefined {
  const text = named?.text ?? setting.default;
  if (text === undefined) return undefined;
  const parsed = parseSetting(setting, text);
  if (parsed.ok) return parsed.value;
  const received = setting.kind === "secret" ? "" : `, received "${redact(text)}"`;
  findings.refuse(`${setting.name} ${ruleOf(setting)}${received} (${named?.from ?? "default"})`);
  return undefined;
}

/** A default gives way to the setting it may not exceed; a value that was set is refused. */
function keepBelow(
  setting: SettingDescriptor,
  read: { values: Map<string, SettingValue | undefined>; named: Map<string, Named>; findings: Findings },
): void {
  if (!("notAbove" in setting) || setting.notAbove === undefined) return;
  const value = read.values.get(setting.name);
  const limit = read.values.get(setting.notAbove);
  if (typeof value !== "number" || typeof limit !== "number" || value <= limit) return;
  const named = read.named.get(setting.name);
  if (named === undefined) {
    read.values.set(setting.name, limit);
    return;
  }
  const limitText = formatRanged(setting.kind, limit);
  const limitFrom = read.named.get(setting.notAbove)?.from ?? "default";
  read.findings.refuse(
    `${setting.name} must not be above ${setting.notAbove}, which is ${limitText} (${limitFrom}), received "${named.text}" (${named.from})`,
  );
}

/** As it was written; a default that gave way is written anew. */
function shown(setting: SettingDescriptor, value: SettingValue | undefined, named: Named | undefined): string {
  if (value === undefined) return "not set";
  if (value instanceof Secret) return value.toString();
  if (named !== undefined) return named.text.trim();
  return "min" in setting && typeof value === "number" && setting.kind !== "durations"
    ? defaultText(setting.default, formatRanged(setting.kind, value), parseSetting(setting, setting.default))
    : String(setting.default);

  function defaultText(written: string, actual: string, parsed: ReturnType<typeof parseSetting>): string {
    return parsed.ok && parsed.value === value ? written : actual;
  }
}
