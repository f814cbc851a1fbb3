import { readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileExecutable } from "./build/compile.ts";
import { takeLock } from "./build/lock.ts";
import { currentRevision, ROOT } from "./build/project.ts";
import { buildRelease } from "./build/release.ts";
import { TARGETS, type Target } from "./build/targets.ts";

const EXECUTABLE = join(ROOT, process.platform === "win32" ? "deby.exe" : "deby");
const WORK_FOLDER = join(ROOT, "dist");

/** Saves work, not correctness: of two that build at once, the later executable replaces the earlier. */
const LOCK = join(WORK_FOLDER, "build.lock");

/** What the executable is made of; folders count too, since a deleted file changes only its folder. */
const INGREDIENTS = ["src", "package.json", "bun.lock", join("scripts", "build")];

const USAGE = `usage: bun run build                       ./deby, for this machine
       bun run build --all                 a release in dist/: archives for all targets, bill of materials, checksums
         --target NAME                     instead of --all: this one only; may be given several times
         --out FOLDER                      instead of dist/
         --base-url URL                    where the release can be downloaded, for its installers; may hold {version}
Targets: ${TARGETS.map(({ name }) => name).join(", ")}`;

/**
 * Compiles the executable and returns its path. It appears whole or not at all, since it is built elsewhere and
 * renamed; whoever runs the old one keeps it.
 */
async function buildExecutable(): Promise<string> {
  const startedAt = new Date();
  const folder = join(WORK_FOLDER, `build-${process.pid}`);
  try {
    const { path } = await compileExecutable(join(folder, "deby"), { commit: currentRevision().commit });
    // The age of what went in, so that a source changed during the build counts as newer.
    utimesSync(path, startedAt, startedAt);
    renameSync(path, EXECUTABLE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return EXECUTABLE;
}

/**
 * The executable's path, built first where it is older than its sources. Processes that call this at once take turns,
 * and those that waited find it built.
 */
export async function buildIfStale(): Promise<string> {
  if (!isStale()) return EXECUTABLE;
  using _lock = await takeLock(LOCK);
  return isStale() ? await buildExecutable() : EXECUTABLE;
}

function isStale(): boolean {
  const built = statSync(EXECUTABLE, { throwIfNoEntry: false });
  return built === undefined || INGREDIENTS.some((path) => newestChangeMs(join(ROOT, path)) > built.mtimeMs);
}

function newestChangeMs(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return 0;
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((name) => newestChangeMs(join(path, name))));
}

async function main(args: readonly string[]): Promise<void> {
  const { targets, folder, baseUrl } = readArguments(args);
  const startedAt = performance.now();
  const passed = () => `${Math.round(performance.now() - startedAt)} ms`;
  // Source maps tell paths from the working directory on, so it must not matter where this was called.
  process.chdir(ROOT);
  if (targets.length === 0) {
    const path = await buildExecutable();
    return console.log(`Built ${path} (${megabytes(statSync(path).size)} MB) in ${passed()}`);
  }
  const onFile = (name: string, bytes: number) => {
    console.log(`${passed().padStart(9)}  ${megabytes(bytes).padStart(5)} MB  ${name}`);
  };
  const { commit } = await buildRelease({ folder, targets, baseUrl, onFile });
  console.log(`Built commit ${commit} into ${folder} in ${passed()}`);
}

/** Ends the process with 2 where the arguments are not understood, and with 0 where help is asked for. */
function readArguments(args: readonly string[]) {
  const targetNamed = (name: string): Target => {
    const target = TARGETS.find((candidate) => candidate.name === name);
    if (target === undefined) throw new Error(`Unknown target "${name}"`);
    return target;
  };
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        all: { type: "boolean", default: false },
        target: { type: "string", multiple: true, default: [] },
        out: { type: "string", default: WORK_FOLDER },
        "base-url": { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const targets = values.all ? TARGETS : values.target.map(targetNamed);
    return { targets, folder: resolve(values.out), baseUrl: values["base-url"] };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}

if (import.meta.main) await main(process.argv.slice(2));
