import { mkdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DebyError } from "../errors.ts";

/** How to undo what a run is about to do, for whoever finds it after the run was killed. */
export interface JournalEntry {
  readonly runId: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly target: string;
  readonly scenario: string;
  /** Commands that heal the fault, as words. */
  readonly heal: readonly (readonly string[])[];
  /** Commands that remove what the run made, as words. */
  readonly remove: readonly (readonly string[])[];
}

/** Of this user only: the file names commands that a later run may execute. */
function journalFolder(): string {
  return join(tmpdir(), `deby-outage-${process.getuid?.() ?? "user"}`);
}

/**
 * Writes the note before any harm is done, whole or not at all; returns the function that removes it.
 * @throws DebyError CANNOT_RUN if the folder is somebody else's
 */
export async function writeJournal(entry: JournalEntry): Promise<() => Promise<void>> {
  const folder = journalFolder();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid !== undefined && (await stat(folder)).uid !== process.getuid()) {
    throw new DebyError("CANNOT_RUN", `The folder ${folder} belongs to another user: remove it, or set TMPDIR`);
  }
  const path = join(folder, `${entry.runId}.json`);
  const text = JSON.stringify({ schema: "deby.outage-journal/1", ...entry }, undefined, 2);
  await writeFile(`${path}.part`, `${text}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
  return async () => {
    await rm(path, { force: true });
    // Another run may have its note there, and then it stays.
    await rmdir(folder).catch(() => {});
  };
}
