import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DATABASE_SETTINGS, DATABASE_URL, type DatabasePart } from "../src/config/database-settings.ts";
import { optionName } from "../src/config/option-name.ts";
import { PROGRAM_SETTINGS } from "../src/config/program-options.ts";
import { type SettingDescriptor, variableName } from "../src/config/schema.ts";
import { allowed, code } from "./docs/allowed.ts";

const FILE = join(dirname(import.meta.dir), "src", "config", "connection-options.ts");

/** As biome.json has it. */
const LINE_WIDTH = 120;

interface Option {
  readonly flag: string;
  readonly type: string;
  readonly meaning: string;
  readonly variables: readonly string[];
  /** As the documentation has them. */
  readonly default?: string | undefined;
  readonly allowed?: string;
}

/** What is not simply text. */
const DATABASE_TYPES: Partial<Record<DatabasePart, string>> = { port: "number | string", sslmode: "SslMode" };

/** Writes the type of a program's options from the schema. With `--check` it writes nothing and fails if it would. */
function main(args: readonly string[]): number {
  const wanted = render();
  if (readFileSync(FILE, "utf8") === wanted) return 0;
  if (args.includes("--check")) {
    console.error("src/config/connection-options.ts does not follow the schema; run bun scripts/options.ts");
    return 1;
  }
  writeFileSync(FILE, wanted);
  return 0;
}

function render(): string {
  return `// Written by scripts/options.ts from the schema of the settings.

import type { Duration } from "./duration.ts";
import type { Percent } from "./quantity.ts";
import type { SslMode } from "./types.ts";

/**
 * The database, and how deby deals with it: the command's settings under their names in camelCase. What is not given is
 * looked up in the environment, then the default counts; the database comes as a whole from the first that names any part.
 */
export interface ConnectionOptions {
${[...databaseOptions(), ...settingOptions()].map(member).join("\n")}
}
`;
}

function databaseOptions(): Option[] {
  const { flag, variable, meaning } = DATABASE_URL;
  return [
    { flag, type: "string", meaning, variables: [variable] },
    ...DATABASE_SETTINGS.flatMap(({ part, name, isSecret, libpq, docker, default: usual, meaning }): Option[] => {
      const variables = docker === undefined ? [libpq] : [libpq, docker];
      const type = DATABASE_TYPES[part] ?? "string";
      const option = { flag: name, type, meaning, variables, default: usual };
      if (!isSecret) return [option];
      return [option, { flag: `${name}-file`, type, meaning: "file that holds it", variables: [`${libpq}_FILE`] }];
    }),
  ];
}

function settingOptions(): Option[] {
  return PROGRAM_SETTINGS.map((setting) => ({
    flag: setting.name,
    type: typeOf(setting),
    meaning: withOptionNames(setting.meaning),
    variables: [variableName(setting.name), ...(setting.alsoReads ?? [])],
    default: setting.default,
    // A choice is told by its type.
    ...(setting.kind === "choice" ? {} : { allowed: withOptionNames(allowed(setting)) }),
  }));
}

function member({ flag, type, meaning, variables, default: usual, allowed: range }: Option): string {
  const facts = [
    ...(range === undefined ? [] : [sentence(range)]),
    ...(usual === undefined ? [] : [`Default: ${code(usual)}.`]),
    `Environment: ${variables.map(code).join(", ")}.`,
  ];
  const lines = [`${sentence(meaning)}`, facts.join(" ")];
  const comment = lines.map((line) => `   * ${line}\n`).join("");
  return `  /**\n${comment}   */\n${declaration(optionName(flag), `${type} | undefined`)}`;
}

/** On one line, or, as the formatter would have it, one alternative a line. */
function declaration(name: string, type: string): string {
  const line = `  readonly ${name}?: ${type};`;
  if (line.length <= LINE_WIDTH) return line;
  return `  readonly ${name}?:\n${type
    .split(" | ")
    .map((alternative) => `    | ${alternative}`)
    .join("\n")};`;
}

function typeOf(setting: SettingDescriptor): string {
  switch (setting.kind) {
    case "count":
      return "number";
    case "duration":
      return setting.orOff ? 'Duration | "off"' : "Duration";
    case "durations":
      return "readonly Duration[]";
    case "percent":
      return "Percent";
    case "choice":
      return setting.choices.map((choice) => JSON.stringify(choice)).join(" | ");
    case "boolean":
      return "boolean";
    case "bytes":
    case "host":
    case "image":
    case "folder":
    case "file":
    case "secret":
      return "string";
  }
}

/** Settings that a meaning speaks of, under their names as options. */
function withOptionNames(text: string): string {
  return PROGRAM_SETTINGS.reduce((result, { name }) => {
    return name.includes("-") ? result.replaceAll(name, optionName(name)) : result;
  }, text);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

process.exitCode = main(process.argv.slice(2));
