import type { FileSink, Subprocess } from "bun";
import { type Clock, sleep, systemClock } from "../core/clock.ts";
import { selfCommand } from "../core/self-command.ts";
import { DebyError } from "../errors.ts";
import { unlessAborted } from "./interruption.ts";
import { eraseJournal, readJournal } from "./journal.ts";
import { repair } from "./repair.ts";
import { WATCHDOG } from "./watchdog-command.ts";

const START_LIMIT_MS = 10_000;
const END_LIMIT_MS = 5_000;
const READY = "ready\n";
const DISMISSED = "dismissed\n";

/** The process that heals when this one is killed. */
export interface Watchdog {
  readonly pid: number;
  /** Ends it: there is nothing left to heal, or whoever is told will see to it. */
  dismiss(): Promise<void>;
}

/**
 * Starts the watchdog over a run's note, in a session of its own; resolves when it watches.
 * @throws DebyError CANNOT_RUN
 */
export async function startWatchdog(journalPath: string, options: { clock: Clock; command?: readonly string[] }) {
  const { clock, command = selfCommand() } = options;
  const child = Bun.spawn([...command, WATCHDOG, journalPath], {
    // It holds on to nothing that may have to be removed.
    cwd: "/",
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    detached: true,
  });
  const isReady = await Promise.race([saysReady(child), sleep(clock, START_LIMIT_MS).then(() => false)]);
  if (!isReady) {
    child.kill("SIGKILL");
    throw new DebyError("CANNOT_RUN", "The watchdog, which heals if this process is killed, does not start");
  }
  const watchdog: Watchdog = { pid: child.pid, dismiss: () => dismiss(child, clock) };
  return watchdog;
}

async function saysReady(child: Subprocess<"pipe", "pipe", "ignore">): Promise<boolean> {
  let said = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (said.includes(READY)) return true;
  }
  return false;
}

async function dismiss(child: Subprocess & { stdin: FileSink }, clock: Clock): Promise<void> {
  const isSlow = new AbortController();
  const timer = clock.after(END_LIMIT_MS, () => isSlow.abort());
  try {
    child.stdin.write(DISMISSED);
    await child.stdin.end();
  } catch {
    // It has gone already.
  }
  await unlessAborted(child.exited, isSlow.signal);
  timer.cancel();
  if (isSlow.signal.aborted) child.kill("SIGKILL");
  await child.exited;
}

/**
 * The watchdog itself: waits until its parent dismisses it or is gone, however that came, and repairs then what the
 * note tells of. Its standard input is the leash: the system closes it with the parent.
 */
export async function runWatchdog([path]: readonly string[]): Promise<void> {
  if (path === undefined) {
    process.stderr.write("deby: The watchdog is started by deby simulate-outage itself\n");
    process.exit(2);
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"] as const) process.on(signal, () => {});
  process.stdout.on("error", () => {});
  process.stdout.write(READY);
  const said = await Bun.stdin.text();
  if (said.includes(DISMISSED)) process.exit(0);
  const entry = await readJournal(path);
  if (entry === undefined) process.exit(0);
  const { failures } = await repair(entry, systemClock);
  if (failures.length === 0) await eraseJournal(path);
  process.exit(failures.length === 0 ? 0 : 4);
}
