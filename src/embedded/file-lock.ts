import { Database } from "bun:sqlite";

/** SQLite's word for "somebody else has it". */
const BUSY = "SQLITE_BUSY";

/**
 * Locks a file against other processes, or returns undefined if one of them has kept it for `waitMs`, for which this
 * waits without doing anything else. The lock is the kernel's and ends with the process, however that ends, so that
 * nothing stale can be left and no number of a dead process can be taken for a living one's, as in a container whose
 * processes always bear the same. SQLite is how Bun offers such locks, on every platform: the file is an empty database.
 * @throws Error where the folder cannot be written to
 */
export function lockFile(path: string, { waitMs }: { readonly waitMs: number }): Disposable | undefined {
  const database = new Database(path, { create: true });
  try {
    database.run(`PRAGMA busy_timeout = ${waitMs}`);
    // Or a journal would lie beside it after a crash, though nothing is ever written.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { code?: unknown }).code === BUSY) return undefined;
    throw error;
  }
}
