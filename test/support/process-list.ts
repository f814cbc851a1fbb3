import { readdirSync, readFileSync } from "node:fs";

export interface ListedProcess {
  readonly pid: number;
  readonly parent: number;
  /** As `ps` shows it: R, S, T, Z … */
  readonly state: string;
  readonly command: string;
}

/** Every process that this user can see; without `ps` where /proc tells. */
export function listProcesses(): ListedProcess[] {
  return process.platform === "linux" ? fromProc() : fromPs();
}

function fromProc(): ListedProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The name in brackets may hold anything, brackets too.
      const [state = "", parent = ""] = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(name), parent: Number(parent), state, command }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function fromPs(): ListedProcess[] {
  const { stdout } = Bun.spawnSync(["ps", "-A", "-o", "pid=,ppid=,stat=,args="]);
  return [...stdout.toString().matchAll(/^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/gm)].map(
    ([, pid, parent, state = "", command = ""]) => ({ pid: Number(pid), parent: Number(parent), state, command }),
  );
}
