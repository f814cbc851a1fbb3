import type { SettingDescriptor } from "../../src/config/schema.ts";

/** The values that a setting takes, in Markdown. */
export function allowed(setting: SettingDescriptor): string {
  switch (setting.kind) {
    case "count":
    case "duration":
    case "percent":
    case "bytes": {
      const above = setting.notAbove === undefined ? "" : `, not above ${setting.notAbove}`;
      return `${setting.min} to ${setting.max}${above}`;
    }
    case "durations":
      return `each ${setting.min} to ${setting.max}`;
    case "choice":
      return setting.choices.map(code).join(", ");
    case "boolean":
      return "true, false";
    case "host":
      return "name or address";
    case "image":
      return "name of an image";
    case "file":
    case "folder":
      return "path";
    case "secret":
      return `text, or a file as ${code(`--${setting.name}-file`)}`;
  }
}

export function code(text: string): string {
  return `\`${text}\``;
}
