import { readdir, readFile } from "node:fs/promises";
import { runTool } from "./tool.ts";

const LIMIT_MS = 10_000;

/** The numbers of the processes whose command line has these words in it, this one excepted. */
export async function findProcesses(words: string): Promise<number[]> {
  const listed = process.platform === "linux" ? await readProc() : await askSystem();
  return listed.filter(({ pid, args }) => pid !== process.pid && args.includes(words)).map(({ pid }) => pid);
}

/** At once; one that has ended meanwhile is no failure. Throws EPERM. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

interface Listed {
  readonly pid: number;
  readonly args: string;
}

/** A small container has no `ps`. */
async function readProc(): Promise<Listed[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return await Promise.all(
    pids.map(async (pid) => {
      // It may have ended meanwhile.
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return { pid: Number(pid), args: line.replaceAll("\0", " ") };
    }),
  );
}

const WINDOWS_LIST = 'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.CommandLine)" }';

async function askSystem(): Promise<Listed[]> {
  const words =
    process.platform === "win32"
      ? ["powershell", "-NoProfile", "-Command", WINDOWS_LIST]
      : ["ps", "-A", "-ww", "-o", "pid=,args="];
  const { stdout } = await runTool(words, { limitMs: LIMIT_MS });
  return [...stdout.matchAll(/^\s*(\d+) (.*)$/gm)].map(([, pid, args = ""]) => ({ pid: Number(pid), args }));
}
