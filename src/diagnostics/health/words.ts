import type { Finding, Fix } from "../check.ts";
import { commandLine, onEverySystem, sqlName } from "../shell.ts";
import type { Scene } from "./scene.ts";
import type { Limits } from "./table.ts";

const LINES_SHOWN = 5;
const QUERY_LENGTH = 80;

/** How a value stands to its limits; one that is reached counts. */
export function grade(value: number, { warn = Number.POSITIVE_INFINITY, fail = Number.POSITIVE_INFINITY }: Limits) {
  if (value >= fail) return "fail";
  return value >= warn ? "warn" : "pass";
}

/** The first five facts, one a line, and how many more there are. */
export function listed(facts: readonly string[]): string {
  const more = facts.length - LINES_SHOWN;
  return [...facts.slice(0, LINES_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** `1 index`, `2 indexes`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString("en-US")} ${amount === 1 ? one : many}`;
}

/** A share of 1, as whole percent; rounded down, so that 100 % means all. */
export function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

/** In the one unit that fits: `4.2 s`, `75 s`, `12 min`, `5 h`, `3 days`. */
export function spell(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

export function spellBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`;
}

/** Names in double quotes; strings with and without escapes, in dollars, cut off; comments. */
const TOKENS =
  /("[^"]*")|(?<!\w)[eE]'(?:[^'\\]|''|\\.)*(?:'|$)|'(?:[^']|'')*(?:'|$)|\$(\w*)\$.*?(?:\$\2\$|$)|--[^\n]*|\/\*.*?(?:\*\/|$)/gs;

/** The beginning of somebody's statement on one line, without the strings in it, which are nobody's business. */
export function excerpt(query: string): string {
  const masked = query.replaceAll(TOKENS, (token, name: string | undefined) => {
    if (name !== undefined) return name;
    return /^(?:--|\/\*)/.test(token) ? " " : "'…'";
  });
  const line = masked.replaceAll(/\s+/g, " ").trim();
  return line.length > QUERY_LENGTH ? `${line.slice(0, QUERY_LENGTH - 1)}…` : line;
}

/** `schema.table`, quoted where it has to be. */
export function qualified(...names: readonly string[]): string {
  return names.map(sqlName).join(".");
}

export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Statements as one command to copy, in the name of the superuser; in the database in question unless told otherwise.
 * Each runs by itself, as ALTER SYSTEM and CONCURRENTLY need it.
 */
export function psql({ at, subject }: Scene, statements: string | readonly string[], database?: string): Fix[] {
  const to = ["-h", at.host, "-p", String(at.port), "-U", "postgres", "-d", database ?? subject.target.database];
  const program = commandLine("linux", ["psql", ...to]);
  const all = [statements].flat();
  // Between double quotes these mean the same to sh and to cmd: one command for all.
  const isPlain = !/['"]/.test(program) && !all.some((sql) => /["$`!\r\n]|\\(?!\w)|%.*%/.test(sql));
  if (isPlain) return [{ os: "any", command: [program, ...all.map((sql) => `-c "${sql}"`)].join(" ") }];
  return onEverySystem(subject.os, (os) => {
    // cmd has no way of quoting these once a double quote has come before them.
    if (os === "windows" && all.some((sql) => sql.includes('"') && /[&|<>^%\r\n]/.test(sql))) return [];
    return commandLine(os, ["psql", ...to, ...all.flatMap((sql) => ["-c", sql])]);
  });
}

/** `page` is of PostgreSQL's manual. */
export function manual(page: string): string {
  return `https://www.postgresql.org/docs/current/${page}`;
}

/** What this role is not shown is not known to be well: skipped, with the rights that it takes. */
export function mayNotRead(
  what: string,
  scene: Scene,
  { right = ["pg_monitor"] }: { readonly right?: readonly string[] } = {},
): Finding {
  const { user } = scene.subject.target;
  const grants = right.map((each) => `GRANT ${each} TO ${sqlName(user)}`);
  return {
    status: "skip",
    evidence: `${what}; ${grants.join("; ")} allows it`,
    cause: `${user} may not see all that this check looks at. ${what}`,
    fix: psql(scene, grants),
    docs: manual("predefined-roles.html"),
  };
}
