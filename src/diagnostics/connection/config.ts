import { DATABASE_SETTINGS } from "../../config/database-settings.ts";
import type { SettingSource } from "../../config/database-target.ts";
import type { Check } from "../check.ts";
import { remedyFor } from "../remedies.ts";

/** Shown even at their defaults: what decides where and how to connect. */
const ALWAYS_SHOWN = new Set([...DATABASE_SETTINGS.map(({ name }) => name), "connect-timeout", "target-session-attrs"]);

/** The configuration in effect, each value with its source; doubts about it are warnings. */
export const configCheck: Check = {
  id: "config",
  title: "Configuration",
  group: "connection",
  needs: [],
  about: "Which values are in effect and where each comes from; sources that disagree are a warning.",
  async run({ subject }) {
    const { settings, warnings, refusal } = subject;
    if (refusal !== undefined) {
      const remedy = remedyFor({ code: "CONFIG_INVALID", message: refusal }, subject);
      return { status: "fail", evidence: "not valid (CONFIG_INVALID)", ...remedy };
    }
    const shown = settings.filter(({ name, source }) => ALWAYS_SHOWN.has(name) || source !== "default");
    const rest = settings.length - shown.length;
    const evidence = tabulate(shown) + (rest > 0 ? `\n${rest} other settings are at their defaults` : "");
    if (warnings.length === 0) return { status: "pass", evidence };
    return { status: "warn", evidence, cause: warnings.join("\n") };
  },
};

/** Name, value and source in columns. */
function tabulate(settings: readonly SettingSource[]): string {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const valueWidth = Math.max(...settings.map(({ value }) => value.length));
  return settings
    .map(({ name, value, source, from }) => {
      const origin = from === "" ? source : `${source} (${from})`;
      return `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}`;
    })
    .join("\n");
}
