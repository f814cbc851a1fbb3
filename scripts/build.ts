import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const ROOT = dirname(import.meta.dir);
const EXECUTABLE = join(ROOT, process.platform === "win32" ? "deby.exe" : "deby");
const WORK_FOLDER = join(ROOT, "dist");
const LOCK = join(WORK_FOLDER, "build.lock");

/** What the executable is made of; folders count too, since a deleted file changes only its folder. */
const INGREDIENTS = ["src", "package.json", "bun.lock", join("scripts", "build.ts")];

/** A build takes seconds: a lock as old as this was left behind, whatever process has its number now. */
const LOCK_LIMIT_MS = 120_000;

/**
 * Compiles the executable and returns its path. It appears whole or not at all, since it is built elsewhere and
 * renamed; whoever runs the old one keeps it.
 */
export async function buildExecutable(): Promise<string> {
  const startedAt = new Date();
  const folder = join(WORK_FOLDER, `build-${process.pid}`);
  const outfile = join(folder, "deby");
  try {
    mkdirSync(folder, { recursive: true });
    await Bun.build({
      entrypoints: [join(ROOT, "src", "main.ts")],
      root: ROOT,
      target: "bun",
      format: "esm",
      bytecode: true,
      // Chunks of their own for what is imported later: `--version` need not load what serve is made of.
      splitting: true,
      // Elysia reads its handlers' source, and minified source has misled it: elysiajs/elysia#1711, #1945.
      minify: false,
      // Gives stack traces the names and lines of the source.
      sourcemap: "linked",
      define: {
        DEBY_BUILD_COMMIT: JSON.stringify(currentCommit()),
        // Or Bun would write in what NODE_ENV is now, and the executable could not see its own.
        "process.env.NODE_ENV": "process.env.NODE_ENV",
      },
      // What lies in a working directory is not for the executable to load behind our back.
      compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
    });
    const built = existsSync(outfile) ? outfile : `${outfile}.exe`;
    // The age of what went in, so that a source changed during the build counts as newer.
    utimesSync(built, startedAt, startedAt);
    renameSync(built, EXECUTABLE);
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
  using _lock = await takeLock();
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

/**
 * Saves work, not correctness: should two processes ever hold it, both build in folders of their own and the later
 * executable replaces the earlier.
 */
async function takeLock(): Promise<Disposable> {
  mkdirSync(WORK_FOLDER, { recursive: true });
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      return { [Symbol.dispose]: () => rmSync(LOCK, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (isAbandoned()) rmSync(LOCK, { force: true });
      else await Bun.sleep(50);
    }
  }
}

function isAbandoned(): boolean {
  const status = statSync(LOCK, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (Date.now() - status.mtimeMs > LOCK_LIMIT_MS) return true;
  try {
    const owner = Number(readFileSync(LOCK, "utf8"));
    // An empty file is a lock whose owner is about to write its number.
    if (owner > 0) process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** The short commit, with `-dirty` where tracked files differ from it; `unknown` outside a repository or without git. */
function currentCommit(): string {
  if (!existsSync(join(ROOT, ".git"))) return "unknown";
  const commit = git("rev-parse", "--short", "HEAD");
  if (commit === undefined) return "unknown";
  return git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}-dirty`;
}

function git(...args: string[]): string | undefined {
  if (Bun.which("git") === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}

if (import.meta.main) {
  const startedAt = performance.now();
  const path = await buildExecutable();
  const megabytes = Math.round(statSync(path).size / 1024 ** 2);
  console.log(`Built ${path} (${megabytes} MB) in ${Math.round(performance.now() - startedAt)} ms`);
}
