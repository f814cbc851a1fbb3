import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** A process id means something in its own namespace only, and a container may share the folders with its host. */
const PREFIX = `deby-test-ns${pidNamespace()}-`;

/** Root's own TMPDIR may be closed to the user that a database server has to run as, so root always uses /tmp. */
const diskRoot = process.getuid?.() === 0 ? "/tmp" : tmpdir();
const memoryRoot = hasRoom("/dev/shm") ? "/dev/shm" : diskRoot;
const roots = new Set([diskRoot, memoryRoot]);

function pidNamespace(): string {
  if (process.platform !== "linux") return "0";
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
}

function hasRoom(folder: string): boolean {
  if (process.platform !== "linux" || !existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 2 ** 31;
}

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

export interface TempFolderOptions {
  /** Only root can give a folder away. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Where there is room: for many small files this can be ten times as fast. No place for executables. */
  readonly inMemory?: boolean;
}

/** A fresh folder, removed on disposal; one that a killed run left behind is removed by the next run. */
export function makeTempFolder(kind: string, { owner, inMemory }: TempFolderOptions = {}): TempFolder {
  sweepOnce();
  const path = mkdtempSync(join(inMemory ? memoryRoot : diskRoot, `${PREFIX}${process.pid}-${kind}-`));
  chmodSync(path, 0o755);
  if (owner !== undefined && process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  return {
    path,
    async [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A folder that outlives the run, for what is slow to make. Only this user may write to it. */
export function cacheFolder(): string {
  const path = join(diskRoot, `deby-cache-${userInfo().uid}`);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new Error(`Cannot use ${path} as a cache: it is not a folder of this user`);
  }
  return path;
}

let swept = false;

function sweepOnce(): void {
  if (swept) return;
  swept = true;
  for (const path of [...roots].flatMap((root) => readdirSync(root).map((name) => join(root, name)))) {
    const pid = new RegExp(`/${PREFIX}(\\d+)-[^/]*$`).exec(path)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Another user's, or another run sweeps at the same time.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
