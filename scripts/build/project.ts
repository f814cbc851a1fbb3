import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The project's own folder. */
export const ROOT = dirname(dirname(import.meta.dir));

/** What a build is made of, besides the files themselves. */
export interface Revision {
  /**
   * Ten characters of the commit, with `-dirty` where tracked files differ from it; `unknown` outside a repository or
   * without git, unless SOURCE_COMMIT tells it.
   */
  readonly commit: string;
  /** When the source was last changed, in seconds since 1970: the age of everything in an archive. */
  readonly epochSeconds: number;
}

/** The earliest time that a zip file can hold. */
const EARLIEST_SECONDS = Date.UTC(1980, 0, 1) / 1000;

/** The revision of the working tree; SOURCE_DATE_EPOCH overrides its time (https://reproducible-builds.org/specs/). */
export function currentRevision(): Revision {
  const { SOURCE_COMMIT, SOURCE_DATE_EPOCH } = process.env;
  const [hash, committedAt] = git("log", "-1", "--format=%H %ct")?.split(" ") ?? [];
  const epochSeconds = Number(SOURCE_DATE_EPOCH || committedAt || EARLIEST_SECONDS);
  if (!Number.isSafeInteger(epochSeconds) || epochSeconds < EARLIEST_SECONDS) {
    throw new Error(`SOURCE_DATE_EPOCH must be seconds since 1970, after 1980, received "${SOURCE_DATE_EPOCH}"`);
  }
  if (hash === undefined) return { commit: SOURCE_COMMIT || "unknown", epochSeconds };
  const isDirty = git("status", "--porcelain", "--untracked-files=no") !== "";
  // Not git's own abbreviation, whose length depends on how much of the history is there.
  return { commit: hash.slice(0, 10) + (isDirty ? "-dirty" : ""), epochSeconds };
}

function git(...args: string[]): string | undefined {
  if (!existsSync(join(ROOT, ".git")) || Bun.which("git") === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}
