import type { Findings } from "./findings.ts";
import { optionName } from "./option-name.ts";
import { errorCode, type ReadFile } from "./read-file.ts";
import { redact } from "./redact.ts";
import { variableName } from "./schema.ts";

export type SourceName = "flag" | "option" | "environment" | ".env" | "default";

/** A text and where it stands. */
export interface Named {
  readonly text: string;
  readonly source: SourceName;
  /** As the user knows it: `--pool-max`, `option poolMax`, `DEBY_POOL_MAX`. */
  readonly from: string;
}

/** One layer of precedence. A variable that is set to nothing counts as not set. */
export interface Level {
  readonly source: Exclude<SourceName, "default">;
  get(name: string): string | undefined;
}

/** What a value is called on each kind of level. */
export interface Names {
  readonly flag?: string | undefined;
  readonly variables: readonly string[];
}

export type FlagValues = Readonly<Record<string, string | boolean | undefined>>;
export type Variables = Readonly<Record<string, string | undefined>>;

/** What is given by hand: by flags to a command, by options to a program's database. Both go by the names of flags. */
export interface GivenLevel {
  readonly source: "flag" | "option";
  readonly values: FlagValues;
}

/** The three levels, the highest first. */
export function levelsOf(given: GivenLevel, environment: Variables, envFile: Variables): readonly Level[] {
  return [
    { source: given.source, get: (name) => given.values[name]?.toString() },
    { source: "environment", get: (name) => setVariable(environment, name) },
    { source: ".env", get: (name) => setVariable(envFile, name) },
  ];
}

/** Whether what stands there was given by hand, as opposed to being found in variables. */
export function isGiven({ source }: Level): boolean {
  return source === "flag" || source === "option";
}

/** Looks a value up on one level: the first of its names that is set there. */
export function lookUp(level: Level, names: Names): Named | undefined {
  for (const name of namesOn(level, names)) {
    const text = level.get(name);
    if (text !== undefined) return { text, source: level.source, from: shown(level, name) };
  }
  return undefined;
}

/**
 * Looks a secret up on one level: directly, or in the file that `NAME_FILE` or `--name-file` points to.
 * Both at once, an unreadable and an empty file are refused.
 */
export function lookUpSecret(level: Level, names: Names, readFile: ReadFile, findings: Findings): Named | undefined {
  for (const name of namesOn(level, names)) {
    const fileName = isGiven(level) ? `${name}-file` : `${name}_FILE`;
    const text = level.get(name);
    const path = level.get(fileName);
    if (text !== undefined && path !== undefined) {
      findings.refuse(`${shown(level, name)} and ${shown(level, fileName)} are both set; only one may be`);
    }
    if (text !== undefined) return { text, source: level.source, from: shown(level, name) };
    if (path !== undefined) return readSecretFile({ text: path, source: level.source, from: shown(level, fileName) });
  }
  return undefined;

  function readSecretFile(file: Named): Named | undefined {
    try {
      const text = readFile(file.text).text.replace(/[\r\n]+$/, "");
      if (text !== "") return { ...file, text };
      findings.refuse(`${file.from} names an empty file: ${file.text}`);
    } catch (error) {
      findings.refuse(`${file.from} names a file that cannot be read: ${redact(file.text)} (${errorCode(error)})`);
    }
    return undefined;
  }
}

function namesOn(level: Level, names: Names): readonly string[] {
  if (!isGiven(level)) return names.variables.filter((name) => !isInjected(name, level.get(name)));
  return names.flag === undefined ? [] : [names.flag];
}

function shown(level: Level, name: string): string {
  if (level.source === "option") return `option ${optionName(name)}`;
  return level.source === "flag" ? `--${name}` : name;
}

function setVariable(variables: Variables, name: string): string | undefined {
  return variables[name] === "" ? undefined : variables[name];
}

/**
 * Whether Kubernetes put a variable there for a service that happens to be named `deby` or `postgres`: DEBY_PORT and
 * POSTGRES_PORT become URLs, and DEBY_SERVICE_HOST and DEBY_PORT_5000_TCP appear beside them.
 */
export function isInjected(name: string, value: string | undefined): boolean {
  if (name === variableName("port") || name === "POSTGRES_PORT") return /^(tcp|udp|sctp):\/\//.test(value ?? "");
  return /^DEBY_(SERVICE|PORT)_/.test(name);
}
