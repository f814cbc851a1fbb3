import { isIP } from "node:net";
import { DURATION_EXAMPLES, formatDuration, parseDuration, parseDurationList } from "./duration.ts";
import { formatByteSize, formatPercent, parseByteSize, parsePercent } from "./quantity.ts";
import type { SettingDescriptor } from "./schema.ts";
import { Secret } from "./secret.ts";

export type SettingValue = string | number | boolean | readonly number[] | Secret;

export type Parsed =
  | { readonly ok: true; readonly value: SettingValue }
  | { readonly ok: false; readonly rule: string };

type RangedKind = "count" | "duration" | "percent" | "bytes";

const SCALES: Record<RangedKind, { parse(text: string): number | undefined; format(value: number): string }> = {
  count: { parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined), format: String },
  duration: { parse: parseDuration, format: formatDuration },
  percent: { parse: parsePercent, format: formatPercent },
  bytes: { parse: parseByteSize, format: formatByteSize },
};

/** The value that a text means for a setting, or the rule that it breaks. */
export function parseSetting(setting: SettingDescriptor, text: string): Parsed {
  const value = setting.kind === "secret" ? readToken(text) : read(setting, text.trim());
  return value === undefined ? { ok: false, rule: ruleOf(setting) } : { ok: true, value };
}

/** A ranged setting's value in a user's notation. */
export function formatRanged(kind: RangedKind, value: number): string {
  return SCALES[kind].format(value);
}

function read(setting: SettingDescriptor, text: string): SettingValue | undefined {
  if (text === "") return undefined;
  switch (setting.kind) {
    case "count":
    case "duration":
    case "percent":
    case "bytes": {
      if (setting.orOff && text === "off") return Number.POSITIVE_INFINITY;
      const { parse } = SCALES[setting.kind];
      return within(parse(text), parse(setting.min), parse(setting.max));
    }
    case "durations": {
      const list = parseDurationList(text);
      const [min, max] = [parseDuration(setting.min), parseDuration(setting.max)];
      if (list === undefined || list.length > setting.maxItems) return undefined;
      return list.every((ms) => within(ms, min, max) !== undefined) ? list : undefined;
    }
    case "choice":
      return setting.choices.includes(text) ? text : undefined;
    case "boolean":
      return parseBoolean(text);
    case "host":
      return isIP(text) !== 0 || /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text) ? text : undefined;
    case "image":
      return /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/.test(text) ? text : undefined;
    case "file":
    case "folder":
      return text;
    case "secret":
      return readToken(text);
  }
}

/** A token must fit into an HTTP header, or nobody could ever present it. */
function readToken(text: string): Secret | undefined {
  return /^[\x21-\x7e]+$/.test(text) ? new Secret(text) : undefined;
}

/** What a value must be, as the end of a sentence that begins with the setting's name. */
export function ruleOf(setting: SettingDescriptor): string {
  switch (setting.kind) {
    case "count":
      return `must be a whole number from ${setting.min} to ${setting.max}`;
    case "duration":
      return `must be a duration from ${setting.min} to ${setting.max}, written with its unit like ${DURATION_EXAMPLES}${setting.orOff ? ", or off" : ""}`;
    case "percent":
      return `must be a percentage from ${setting.min} to ${setting.max}, such as ${setting.default}`;
    case "bytes":
      return `must be a size from ${setting.min} to ${setting.max}, written with its unit like 512kb or 1mb`;
    case "durations":
      return `must be durations from ${setting.min} to ${setting.max} separated by commas, such as ${setting.default}`;
    case "choice":
      return `must be ${oneOf(setting.choices)}`;
    case "boolean":
      return "must be true or false";
    case "host":
      return "must be a host name or an address, without a port";
    case "image":
      return "must be the name of a Docker image, such as postgres:17-alpine";
    case "file":
    case "folder":
      return "must not be empty";
    case "secret":
      return "must be printable ASCII characters without spaces";
  }
}

/** `a, b or c`. */
export function oneOf(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

export function parseBoolean(text: string): boolean | undefined {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  return undefined;
}

function within(value: number | undefined, min = 0, max = Number.POSITIVE_INFINITY): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
