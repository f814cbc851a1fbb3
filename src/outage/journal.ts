import { access, constants, lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { DebyError } from "../errors.ts";
import type { Environment } from "./tool.ts";

const SCHEMA = "deby.outage-journal/1";
const UNFINISHED = ".part";
const OTHERS_MAY_WRITE = 0o022;

/** The program and its arguments. */
export type Words = readonly string[];

/** How to undo what a run is about to do, for whoever finds it after the run was killed. */
export interface JournalEntry {
  readonly runId: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly target: string;
  readonly scenario: string;
  /** Commands that heal the fault. */
  readonly heal: readonly Words[];
  /** What proves that it is healed; undefined where the removal of everything is healing enough. */
  readonly healed?: {
    readonly command: Words;
    readonly prints: string;
    /** Parts of command lines that do harm: one that is under way outlives who gave it, and is waited for. */
    readonly after: readonly string[];
  };
  /** Commands that undo what healing does not, once it is healed. Each proves itself by its success. */
  readonly restore?: readonly Words[];
  /** What the commands have to find in their environment, such as the engine that they speak to. */
  readonly environment?: Environment;
  /** Where its process number means something. */
  readonly machine?: string;
  /** Commands that remove what the run made. */
  readonly remove: readonly Words[];
  /** Folders that the run made. */
  readonly folders: readonly string[];
  /** Of each process that the run starts, a part of its command line that no other process has. */
  readonly processes: readonly string[];
}

/** The part of it that depends on the target. */
export type Undo = Pick<JournalEntry, "heal" | "healed" | "remove" | "folders" | "processes">;

/** A run's note, on disk before any harm is done. */
export interface Journal {
  readonly path: string;
  readonly entry: JournalEntry;
  /** Adds to the note what has come up since. */
  note(changes: Partial<JournalEntry>): Promise<void>;
  erase(): Promise<void>;
}

/**
 * Where notes may be, of this user only, since they name commands that a later run may execute: where a restart of the
 * machine leaves them alone, and among temporary files for a user who has no such place.
 * Source: XDG Base Directory Specification, `XDG_STATE_HOME`.
 */
export function journalFolders(): readonly [string, string] {
  const { XDG_STATE_HOME: state = "", LOCALAPPDATA = "" } = process.env;
  const ownState = isAbsolute(state) ? state : join(homedir(), ".local", "state");
  const lasting = process.platform === "win32" && isAbsolute(LOCALAPPDATA) ? LOCALAPPDATA : ownState;
  return [join(lasting, "deby-outage"), join(tmpdir(), `deby-outage-${process.getuid?.() ?? "user"}`)];
}

/** The first that can be made. @throws the system's error if none can; DebyError CANNOT_RUN if it is somebody else's */
async function makeJournalFolder(): Promise<string> {
  const [lasting, temporary] = journalFolders();
  if (await canKeep(lasting)) return lasting;
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  await requireOwn(temporary);
  return temporary;
}

async function canKeep(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
    return await isOwn(folder);
  } catch {
    return false;
  }
}

/**
 * Writes the note before any harm is done, whole or not at all.
 * @throws DebyError CANNOT_RUN if the folder is somebody else's
 */
export async function writeJournal(entry: JournalEntry): Promise<Journal> {
  const folder = await makeJournalFolder();
  const path = join(folder, `${entry.runId}.json`);
  await write(path, entry);
  let current = entry;
  return {
    path,
    get entry() {
      return current;
    },
    async note(changes) {
      current = { ...current, ...changes };
      await write(path, current);
    },
    erase: () => eraseJournal(path),
  };
}

/** Every note that is there: of runs under way, and of those that were killed. */
export async function readJournals(): Promise<{ readonly path: string; readonly entry: JournalEntry }[]> {
  const paths: string[] = [];
  for (const folder of journalFolders()) {
    const names = await readdir(folder).catch(() => []);
    // Nothing in it can be ours.
    if (names.length === 0 || !(await isOwn(folder))) continue;
    paths.push(...names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name)));
  }
  const read = await Promise.all(paths.map(async (path) => ({ path, entry: await readJournal(path) })));
  return read.flatMap(({ path, entry }) => (entry === undefined ? [] : [{ path, entry }]));
}

/** @returns undefined if it is not there any more, or is no such note */
export async function readJournal(path: string): Promise<JournalEntry | undefined> {
  try {
    const entry: unknown = JSON.parse(await readFile(path, "utf8"));
    // Nobody but deby writes there; the schema tells its versions apart.
    const isOurs = typeof entry === "object" && entry !== null && "schema" in entry && entry.schema === SCHEMA;
    return isOurs ? (entry as unknown as JournalEntry) : undefined;
  } catch {
    return undefined;
  }
}

export async function eraseJournal(path: string): Promise<void> {
  await rm(path, { force: true });
  // A run that was killed while it wrote leaves the part that it had.
  await rm(`${path}${UNFINISHED}`, { force: true });
  // Another run may have its note there, and then it stays.
  await rmdir(join(path, "..")).catch(() => {});
}

async function write(path: string, entry: JournalEntry): Promise<void> {
  const text = JSON.stringify({ schema: SCHEMA, ...entry }, undefined, 2);
  await writeFile(`${path}${UNFINISHED}`, `${text}\n`, { mode: 0o600, flush: true });
  await rename(`${path}${UNFINISHED}`, path);
}

async function requireOwn(folder: string): Promise<void> {
  if (await isOwn(folder)) return;
  const why = "belongs to another user, is a link, or others may write in it";
  throw new DebyError("CANNOT_RUN", `The folder ${folder} ${why}: remove it, or set XDG_STATE_HOME or TMPDIR`);
}

/** A link may lead to a folder of ours in which everybody may write. */
async function isOwn(folder: string): Promise<boolean> {
  if (process.getuid === undefined) return true;
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === process.getuid() && (found.mode & OTHERS_MAY_WRITE) === 0;
}
