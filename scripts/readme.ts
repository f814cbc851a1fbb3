import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DATABASE_SETTINGS, DATABASE_URL } from "../src/config/database-settings.ts";
import { SETTINGS, type SettingDescriptor, variableName } from "../src/config/schema.ts";
import { knownTroubles } from "../src/diagnostics/explain.ts";
import { HEALTH_CHECKS } from "../src/diagnostics/health-checks.ts";
import { allowed, code } from "./docs/allowed.ts";

const README = join(dirname(import.meta.dir), "README.md");

/** What stands between README's markers of each name. */
const PARTS = {
  troubles: () => troublesTable(),
  health: () => healthTable(),
  settings: () => `${databaseTable()}\n\n${settingsTable()}`,
} as const;

/** Writes the generated parts of README between their markers. With `--check` it writes nothing and fails if it would. */
function main(args: readonly string[]): number {
  const current = readFileSync(README, "utf8");
  const wanted = Object.entries(PARTS).reduce((text, [name, render]) => withPart(text, name, render()), current);
  if (wanted === current) return 0;
  if (args.includes("--check")) {
    console.error(
      "README.md does not show settings, troubles and health checks as src/config and src/diagnostics have them; run bun scripts/readme.ts",
    );
    return 1;
  }
  writeFileSync(README, wanted);
  return 0;
}

function withPart(text: string, name: string, content: string): string {
  const [startMark, endMark] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [start, end] = [text.indexOf(startMark), text.indexOf(endMark)];
  if (start === -1 || end < start) throw new Error(`README.md has no ${startMark} followed by ${endMark}`);
  return `${text.slice(0, start + startMark.length)}\n\n${content}\n\n${text.slice(end)}`;
}

/** As many codes of a trouble as a reader would look for. */
const CODES_SHOWN = 2;

/** Every trouble that has a name, with what is typed first on Linux. */
function troublesTable(): string {
  const rows = knownTroubles("linux").map(({ codes, means, remedy }) => [
    codes.slice(0, CODES_SHOWN).map(code).join(", "),
    means,
    remedy.fix[0] === undefined ? "" : code(remedy.fix[0].command),
  ]);
  return table(["Code", "It means", "First"], rows);
}

/** Every health check, with when it speaks up. */
function healthTable(): string {
  const rows = HEALTH_CHECKS.map(({ id, about = "" }) => [code(id), about]);
  return table(["Check", "What it looks at, and when it speaks up"], rows);
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
