import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DebyError } from "../errors.ts";
import { lockFile } from "./file-lock.ts";

/** The major version of PostgreSQL that PGlite is; its data folders are of no use to another. */
const POSTGRES_MAJOR = "18";

/**
 * Takes the folder that an embedded server keeps its data in: makes it if need be, for this user's eyes only, and locks
 * it for as long as this process runs or until the lock is disposed of.
 * @throws DebyError CANNOT_RUN where it cannot be used, and why
 */
export function takeDataHome(folder: string): Disposable {
  const cannot = (why: string, cause?: unknown) =>
    new DebyError("CANNOT_RUN", `Cannot keep the embedded database in ${folder}: ${why}`, { cause });
  let lock: Disposable | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    if (existsSync(join(folder, "PG_VERSION"))) {
      throw cannot("it is the data folder of a PostgreSQL server; name another with --data-dir");
    }
    lock = lockFile(join(folder, "deby.lock"), { waitMs: 0 });
  } catch (error) {
    if (error instanceof DebyError) throw error;
    throw cannot(`${(error as Error).message}; name another folder with --data-dir`, error);
  }
  const pidFile = join(folder, "deby.pid");
  if (lock === undefined) {
    const holder = readIfThere(pidFile);
    const who = holder === undefined ? "another deby" : `another deby, process ${holder},`;
    throw cannot(`${who} uses it; stop that one, or name another folder with --data-dir`);
  }
  try {
    requireOurVersion(join(folder, "data", "PG_VERSION"), cannot);
    writeFileSync(pidFile, String(process.pid));
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  return {
    [Symbol.dispose]() {
      rmSync(pidFile, { force: true });
      lock[Symbol.dispose]();
    },
  };
}

function requireOurVersion(path: string, cannot: (why: string) => DebyError): void {
  const major = readIfThere(path);
  if (major === undefined || major === POSTGRES_MAJOR) return;
  throw cannot(
    `its data was made by PostgreSQL ${major}, and this deby has ${POSTGRES_MAJOR}; use the deby that made it, or name another folder with --data-dir`,
  );
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
