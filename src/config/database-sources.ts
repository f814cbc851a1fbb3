import { DATABASE_SETTINGS, DATABASE_URL, type DatabasePart } from "./database-settings.ts";
import type { Findings } from "./findings.ts";
import { isGiven, type Level, lookUp, lookUpSecret, type Named, type Names, type SourceName } from "./levels.ts";
import { parsePostgresUrl } from "./postgres-url.ts";
import type { ReadFile } from "./read-file.ts";
import { redact } from "./redact.ts";

export type NamedParts = { [Part in DatabasePart]?: Named | undefined };

/** One place that names parts of the database: the URL, libpq's variables or Docker's, on one level. */
export interface DatabaseSource {
  readonly source: SourceName;
  readonly parts: NamedParts;
  /** Why the URL could not be read, beginning with its name; such a source counts as naming the whole database. */
  readonly problem?: string;
}

/** Which database is meant: any of these makes a source's level the one that decides. */
const IDENTITY = ["host", "port", "dbname", "user", "password"] as const;

/** What two sources can disagree on without a word of the password. */
const COMPARED = ["host", "port", "dbname", "user"] as const;

/** libpq's variables that have no counterpart here; what they ask for would silently not happen. */
const UNSUPPORTED = ["PGSERVICE", "PGHOSTADDR", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGOPTIONS", "PGCHANNELBINDING"];

/** Every source that names anything, the strongest first. */
export function collectDatabaseSources(
  levels: readonly Level[],
  readFile: ReadFile,
  findings: Findings,
): readonly DatabaseSource[] {
  const sources: DatabaseSource[] = [];
  for (const level of levels) {
    const url = readUrlSource(level, readFile, findings);
    if (url !== undefined) sources.push(url);
    const families: ((setting: (typeof DATABASE_SETTINGS)[number]) => Names)[] = [
      ({ name, flag, isSecret, libpq }) => ({
        flag: isSecret || level.source === "option" ? name : flag,
        variables: [libpq],
      }),
      ({ docker }) => ({ variables: docker === undefined ? [] : [docker] }),
    ];
    for (const namesOf of families) {
      const parts: NamedParts = {};
      for (const setting of DATABASE_SETTINGS) {
        const names = namesOf(setting);
        const named = setting.isSecret ? lookUpSecret(level, names, readFile, findings) : lookUp(level, names);
        if (named !== undefined) parts[setting.part] = named;
      }
      if (Object.keys(parts).length > 0) sources.push({ source: level.source, parts });
    }
    for (const name of isGiven(level) ? [] : UNSUPPORTED) {
      if (level.get(name) !== undefined) findings.warn(`${name} is set, but deby does not know it and ignores it`);
    }
  }
  return sources;
}

/**
 * The parts of the one database that is meant. It comes as a whole from the highest level that names its host, port,
 * name, user or password; inside that level a stronger source wins, and a weaker one that agrees with it fills gaps.
 * What belongs to no database in particular (certificates, application name) is completed from any source; sslmode
 * only from this level and those above, so that no other database's mode is taken over.
 * Sources that name another database are warned about, once each.
 */
export function chooseDatabase(sources: readonly DatabaseSource[], findings: Findings): NamedParts {
  const deciding = sources.find((candidate) => namesDatabase(candidate))?.source;
  const chosen: NamedParts = {};
  for (const candidate of sources) {
    if (candidate.problem !== undefined) {
      if (candidate.source === deciding) findings.refuse(candidate.problem);
      else findings.warn(`${candidate.problem}; it is not used`);
    } else if (candidate.source === deciding && !disagrees(candidate, chosen)) {
      for (const part of IDENTITY) chosen[part] ??= candidate.parts[part];
    }
  }
  for (const { source, parts } of sources) {
    for (const part of ["sslrootcert", "application_name"] as const) chosen[part] ??= parts[part];
    if (deciding === undefined || rank(source) <= rank(deciding)) chosen.sslmode ??= parts.sslmode;
  }
  for (const candidate of sources) warnOfDisagreement(candidate, chosen, findings);
  return chosen;
}

function readUrlSource(level: Level, readFile: ReadFile, findings: Findings): DatabaseSource | undefined {
  const names = { flag: DATABASE_URL.flag, variables: [DATABASE_URL.variable] };
  const url = isGiven(level) ? lookUp(level, names) : lookUpSecret(level, names, readFile, findings);
  if (url === undefined) return undefined;
  const parsed = parsePostgresUrl(url.text);
  if (!parsed.ok) return { source: level.source, parts: {}, problem: `${url.from} ${parsed.problem}` };
  for (const warning of parsed.warnings) findings.warn(`${url.from} ${warning}`);
  const parts: NamedParts = {};
  for (const [part, text] of Object.entries(parsed.parts)) parts[part as DatabasePart] = { ...url, text };
  if (level.source === "flag" && parts.password !== undefined) {
    findings.warn(`${url.from} holds a password, which other users of this machine can see; use --db-password-file`);
  }
  return { source: level.source, parts };
}

function namesDatabase(candidate: DatabaseSource): boolean {
  return candidate.problem !== undefined || IDENTITY.some((part) => candidate.parts[part] !== undefined);
}

function disagrees(candidate: DatabaseSource, chosen: NamedParts): boolean {
  return COMPARED.some((part) => {
    const [mine, theirs] = [candidate.parts[part]?.text, chosen[part]?.text];
    return mine !== undefined && theirs !== undefined && comparable(part, mine) !== comparable(part, theirs);
  });
}

function warnOfDisagreement(candidate: DatabaseSource, chosen: NamedParts, findings: Findings): void {
  const differences: string[] = [];
  for (const { part, default: usual } of DATABASE_SETTINGS) {
    const other = candidate.parts[part];
    const used = chosen[part]?.text ?? usual;
    if (other === undefined || (used !== undefined && comparable(part, other.text) === comparable(part, used)))
      continue;
    const instead = chosen[part] === undefined ? "the default" : chosen[part].from;
    if (part !== "password")
      differences.push(`${part} ${redact(other.text)} in ${other.from}, but ${redact(used ?? "none")} in ${instead}`);
    else if (used === undefined)
      differences.push(`the password in ${other.from}, since ${namedBy(chosen)} names the database`);
    else differences.push(`another password in ${other.from} than in ${instead}`);
  }
  if (differences.length > 0) findings.warn(`Not used (${candidate.source}): ${differences.join("; ")}`);
}

function namedBy(chosen: NamedParts): string {
  return IDENTITY.map((part) => chosen[part]?.from).find((from) => from !== undefined) ?? "the default";
}

/** So that `5432,` and `5432` are the same ports. */
function comparable(part: DatabasePart, text: string): string {
  return part === "port" ? [...new Set(text.split(",").map((port) => port || "5432"))].join(",") : text;
}

function rank(source: SourceName): number {
  return ["flag", "option", "environment", ".env", "default"].indexOf(source);
}
