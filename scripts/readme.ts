import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DATABASE_SETTINGS, DATABASE_URL } from "../src/config/database-settings.ts";
import { SETTINGS, type SettingDescriptor, variableName } from "../src/config/schema.ts";
import { allowed, code } from "./docs/allowed.ts";

const README = join(dirname(import.meta.dir), "README.md");
const START = "<!-- settings:start -->";
const END = "<!-- settings:end -->";

/** Writes the tables of settings between README's markers. With `--check` it writes nothing and fails if it would. */
function main(args: readonly string[]): number {
  const current = readFileSync(README, "utf8");
  const wanted = withSettings(current);
  if (wanted === current) return 0;
  if (args.includes("--check")) {
    console.error("README.md does not show the settings as src/config/schema.ts has them; run bun scripts/readme.ts");
    return 1;
  }
  writeFileSync(README, wanted);
  return 0;
}

function withSettings(text: string): string {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start === -1 || end < start) throw new Error(`README.md has no ${START} followed by ${END}`);
  return `${text.slice(0, start + START.length)}\n\n${databaseTable()}\n\n${settingsTable()}\n\n${text.slice(end)}`;
}

function databaseTable(): string {
  const { flag, variable, meaning } = DATABASE_URL;
  const rows = DATABASE_SETTINGS.map((setting) => [
    setting.flag === undefined ? "" : code(`--${setting.flag}`),
    [setting.libpq, ...(setting.docker === undefined ? [] : [setting.docker])].map(code).join(", "),
    setting.default === undefined ? "" : code(setting.default),
    setting.meaning,
  ]);
  return table(
    ["Flag", "Variables", "Default", "Meaning"],
    [[code(`--${flag}`), code(variable), "", meaning], ...rows],
  );
}

function settingsTable(): string {
  const rows = SETTINGS.map((setting: SettingDescriptor) => [
    code(`--${setting.name}`),
    [variableName(setting.name), ...(setting.alsoReads ?? [])].map(code).join(", "),
    setting.default === undefined ? "" : code(setting.default),
    allowed(setting),
    setting.meaning,
  ]);
  return table(["Flag", "Variable", "Default", "Allowed", "Meaning"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

process.exitCode = main(process.argv.slice(2));
