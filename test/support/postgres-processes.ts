import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { PostgresUser } from "./postgres-user.ts";
import { waitUntil } from "./wait-until.ts";

/** The processes of the server whose data folder this is, the postmaster included, also once it is gone itself. */
export function serverProcesses(dataDir: string, postmasterPid: number): number[] {
  return process.platform === "linux" ? byWorkingFolder(dataDir) : byParent(postmasterPid);
}

/** Each process of a server works in its data folder, which tells the orphans of a killed postmaster too. */
function byWorkingFolder(dataDir: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && workingFolder(name) === dataDir)
    .map(Number);
}

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // Gone, or another user's.
  }
}

function byParent(postmasterPid: number): number[] {
  const lines = Bun.spawnSync(["ps", "-A", "-o", "pid=,ppid="]).stdout.toString().trim().split("\n");
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter((pair) => pair.includes(postmasterPid)).map(([pid = 0]) => pid);
}

/** The state's letter, as ps shows it; undefined for a process that is gone. */
function stateOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    return Bun.spawnSync(["ps", "-o", "state=", "-p", String(pid)])
      .stdout.toString()
      .trim()[0];
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  } catch {
    return undefined;
  }
}

/** A zombie that nobody has collected yet holds nothing any more. */
function isLive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== "Z";
}

/** Sends a signal; a process that is gone is no error. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Stops one process where it stands. */
export async function freezeProcess(pid: number): Promise<void> {
  signalQuietly(pid, "SIGSTOP");
  await waitUntil(`process ${pid} is frozen`, () => stateOf(pid) === "T", { everyMs: 1 });
}

/** Stops every process of a server where it stands; its kernel goes on accepting and acknowledging for it. */
export async function freezeServer(dataDir: string, postmasterPid: number): Promise<void> {
  // The postmaster first, so that no child appears that nobody stops.
  await freezeProcess(postmasterPid);
  const children = serverProcesses(dataDir, postmasterPid).filter((pid) => pid !== postmasterPid);
  for (const pid of children) signalQuietly(pid, "SIGSTOP");
  const isFrozen = (pid: number) => stateOf(pid) === "T" || !isLive(pid);
  await waitUntil("all backends are frozen", () => children.every(isFrozen), { everyMs: 1 });
}

export function thawServer(dataDir: string, postmasterPid: number): void {
  for (const pid of serverProcesses(dataDir, postmasterPid)) signalQuietly(pid, "SIGCONT");
}

/**
 * Kills the postmaster alone, as an operator's `kill -9` does, and waits until its children have noticed and gone.
 * Those that do not within `graceMs`, since they compute or are frozen, are killed too.
 */
export async function killServer(dataDir: string, postmasterPid: number, graceMs = 2000): Promise<void> {
  const known = serverProcesses(dataDir, postmasterPid);
  signalQuietly(postmasterPid, "SIGKILL");
  const left = () => serverProcesses(dataDir, postmasterPid).concat(known.filter(isLive));
  try {
    await waitUntil("the backends have left a killed server", () => left().length === 0, { deadlineMs: graceMs });
  } catch {
    for (const pid of left()) signalQuietly(pid, "SIGKILL");
    await waitUntil("the backends of a killed server are gone", () => left().length === 0);
  }
}

/** The lines of a server's pid file; none where there is no such file. */
export function readPidFile(dataDir: string): string[] {
  try {
    return readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}

/** A killed server leaves a System V segment, which its next start would have removed. */
export function releaseSharedMemory(dataDir: string, runAs: PostgresUser): void {
  const [, id] = readPidFile(dataDir)[6]?.trim().split(/\s+/) ?? [];
  if (id !== undefined) Bun.spawnSync([...runAs.prefix, "ipcrm", "-m", id]);
}
