import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What it guards takes seconds: a lock as old as this was left behind, whatever process has its number now. */
const LIMIT_MS = 120_000;

/** Waits until no other process holds the lock file and takes it: `using _lock = await takeLock(path)`. */
export async function takeLock(path: string): Promise<Disposable> {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (isAbandoned(path)) rmSync(path, { force: true });
      else await Bun.sleep(50);
    }
  }
}

function isAbandoned(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (Date.now() - status.mtimeMs > LIMIT_MS) return true;
  try {
    const owner = Number(readFileSync(path, "utf8"));
    // An empty file is a lock whose owner is about to write its number.
    if (owner > 0) process.kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
