import type { Fix, OperatingSystem } from "./check.ts";

const SYSTEMS: readonly OperatingSystem[] = ["linux", "macos", "windows"];

/** PostgreSQL's reserved words that could be meant as a name. Source: its manual, appendix C. */
const RESERVED = new Set(
  `all analyse analyze and any array as asc both case cast check collate column constraint create current_catalog
  current_date current_role current_time current_timestamp current_user default desc distinct do else end except false
  fetch for foreign from grant group having in initially intersect into lateral leading limit localtime localtimestamp
  not null offset on only or order placing primary references returning select session_user some symmetric system_user
  table then to trailing true union unique user using variadic when where window with authorization binary cross
  current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar
  tablesample verbose`.split(/\s+/),
);

/** The system that this program runs on; anything Unix-like that is not macOS is told what Linux is told. */
export function currentSystem(platform: NodeJS.Platform): OperatingSystem {
  if (platform === "win32") return "windows";
  return platform === "darwin" ? "macos" : "linux";
}

/** Commands for every system, the current one's first. */
export function onEverySystem(
  current: OperatingSystem,
  build: (os: OperatingSystem) => string | readonly string[],
): Fix[] {
  const order = [current, ...SYSTEMS.filter((os) => os !== current)];
  return order.flatMap((os) => [build(os)].flat().map((command) => ({ os, command })));
}

/** Joins arguments to a line that may be pasted into sh or, for Windows, cmd. */
export function commandLine(os: OperatingSystem, args: readonly string[]): string {
  return args.map((arg) => (os === "windows" ? quoteForCmd(arg) : quoteForSh(arg))).join(" ");
}

/** An identifier as it may stand in SQL: quoted only where it has to be. */
export function sqlName(name: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name)) return name;
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteForSh(arg: string): string {
  if (/^[\w@%+=:,./-]+$/.test(arg)) return arg;
  // Double quotes read better around SQL strings, and are safe where the shell finds nothing to replace in them.
  if (arg.includes("'") && !/["$`\\!]/.test(arg)) return `"${arg}"`;
  return `'${arg.replaceAll("'", "'\\''")}'`;
}

function quoteForCmd(arg: string): string {
  if (/^[\w@+=:,./\\-]+$/.test(arg)) return arg;
  return `"${arg.replaceAll('"', '\\"')}"`;
}
