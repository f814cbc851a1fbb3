import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { type Clock, sleep } from "../core/clock.ts";
import { eraseJournal, type JournalEntry, readJournals, type Words } from "./journal.ts";
import { endProcess, findProcesses } from "./own-process.ts";
import { thisMachine } from "./this-machine.ts";
import { runTool, ToolFailure, type ToolOutput } from "./tool.ts";

const COMMAND_LIMIT_MS = 60_000;
/** Healing is tried for so long. */
const HEAL_LIMIT_MS = 60_000;
/** What the killed run had asked for may still be done after it, so that the healing has to hold for so long. */
const HEALED_FOR_MS = 3_000;
/** And what it had begun to make may appear only now. */
const APPEARS_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 250;
/** What Docker and systemd say of what does not exist. */
const GONE = /no such (container|object)|unit .* not found/i;

/** A repair: what was done, and what could not be, both in words. */
export interface Repair {
  readonly runId: string;
  readonly done: readonly string[];
  readonly failures: readonly string[];
  /** The note's path, where it is kept for another attempt. */
  readonly keptNote?: string;
}

/** Undoes what a run did that cannot do it itself any more, the more urgent first. Never rejects. */
export async function repair(entry: JournalEntry, clock: Clock): Promise<Repair> {
  const done: string[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, work: () => Promise<boolean>): Promise<void> => {
    try {
      if (await work()) done.push(what);
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const words of entry.processes) {
    await attempt(`end the process ${words}`, async () => {
      const pids = await findProcesses(words);
      pids.forEach(endProcess);
      return pids.length > 0;
    });
  }
  const { healed, restore = [], environment: env = {} } = entry;
  const run = (words: Words): Promise<ToolOutput> => runTool(words, { limitMs: COMMAND_LIMIT_MS, env });
  if (healed !== undefined) {
    const commands = entry.heal.map((words) => words.join(" ")).join("; ");
    await attempt(commands, () => heal(entry.heal, { ...healed, clock, run }));
  } else if (entry.remove.length === 0) {
    for (const words of entry.heal) await attempt(words.join(" "), () => healBlindly(words, run));
  }
  for (const words of restore) await attempt(words.join(" "), () => insist(words, { clock, run }));
  for (const words of entry.remove) await attempt(words.join(" "), () => remove(words, { clock, run }));
  for (const folder of entry.folders) {
    await attempt(`remove the folder ${folder}`, async () => {
      if (!basename(folder).startsWith(`deby-outage-${entry.runId}`)) throw new Error("This is no folder of a run");
      await rm(folder, { recursive: true, force: true });
      return true;
    });
  }
  return { runId: entry.runId, done, failures };
}

/** Repairs what runs left that were killed together with their watchdog; those under way are left alone. */
export async function repairLeftovers(clock: Clock): Promise<Repair[]> {
  const repairs: Repair[] = [];
  for (const { path, entry } of await readJournals()) {
    if (entry.machine !== undefined && entry.machine !== thisMachine()) {
      const failures = [`It ran on ${entry.machine}, which is another machine or container: heal it there`];
      repairs.push({ runId: entry.runId, done: [], failures, keptNote: path });
      continue;
    }
    const runs = await findProcesses("simulate-outage");
    // The number of a run in a container may be ours now.
    if (runs.includes(entry.pid)) continue;
    const result = await repair(entry, clock);
    const isDone = result.failures.length === 0;
    if (isDone) await eraseJournal(path);
    repairs.push(isDone ? result : { ...result, keptNote: path });
  }
  return repairs;
}

interface HealOptions {
  readonly command: Words;
  readonly prints: string;
  readonly after: readonly string[];
  readonly clock: Clock;
  readonly run: Run;
}

type Run = (words: Words) => Promise<ToolOutput>;

/** Until it is healed and stays so. @throws the last failure */
async function heal(commands: readonly Words[], { command, prints, after, clock, run }: HealOptions): Promise<boolean> {
  const giveUpAt = clock.now() + HEAL_LIMIT_MS;
  while ((await isUnderWay(after)) && clock.now() < giveUpAt) await sleep(clock, LOOK_EVERY_MS);
  let healedAt: number | undefined;
  let failure: unknown;
  let isFirst = true;
  while (healedAt === undefined || clock.now() - healedAt < HEALED_FOR_MS) {
    // What runs may be harmed nevertheless: the commands are given once at least.
    const found = isFirst ? undefined : await ask(command, run);
    isFirst = false;
    if (found === prints) healedAt ??= clock.now();
    else {
      healedAt = undefined;
      if (found !== undefined && GONE.test(found)) throw new Error(`It is not there any more: ${found}`);
      if (clock.now() > giveUpAt) throw failure ?? new Error(`It says "${found}" instead of "${prints}"`);
      for (const words of commands) {
        // One of them may be out of place: what is not frozen cannot be thawed.
        await run(words).catch((error: unknown) => {
          failure = error;
        });
      }
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
  return true;
}

/** Where nothing tells whether it is needed. */
async function healBlindly(words: Words, run: Run): Promise<boolean> {
  try {
    await run(words);
    return true;
  } catch (error) {
    if (error instanceof ToolFailure && /already/i.test(error.message)) return false;
    throw error;
  }
}

/** A server that was started a moment ago takes no statement yet. @throws the last failure */
async function insist(words: Words, { clock, run }: { readonly clock: Clock; readonly run: Run }): Promise<boolean> {
  const giveUpAt = clock.now() + HEAL_LIMIT_MS;
  while (true) {
    try {
      await run(words);
      return true;
    } catch (error) {
      if (clock.now() > giveUpAt || !(error instanceof ToolFailure) || GONE.test(error.message)) throw error;
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
}

async function isUnderWay(harms: readonly string[]): Promise<boolean> {
  const found = await Promise.all(harms.map(findProcesses));
  return found.some((pids) => pids.length > 0);
}

async function ask(command: Words, run: Run): Promise<string> {
  try {
    return (await run(command)).stdout;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * What the killed run had asked for may be under way: the making of it, and its removal.
 * @returns false if there was nothing to remove, for as long as something could still have appeared
 */
async function remove(words: Words, { clock, run }: { readonly clock: Clock; readonly run: Run }): Promise<boolean> {
  const giveUpAt = clock.now() + APPEARS_WITHIN_MS;
  const making = [`--name ${words.at(-1)} `];
  while (true) {
    const mayAppear = clock.now() <= giveUpAt || (await isUnderWay(making));
    let removal: ToolFailure | undefined;
    try {
      const { stdout, stderr } = await run(words);
      // Newer engines say so without failing.
      if (stdout !== "" && !/no such/i.test(stderr)) return true;
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      if (/already in progress/i.test(error.message)) removal = error;
      else if (!/no such/i.test(error.message)) throw error;
    }
    if (!mayAppear && removal === undefined) return false;
    if (clock.now() > giveUpAt + HEAL_LIMIT_MS) throw removal ?? new Error("It is still being made");
    await sleep(clock, LOOK_EVERY_MS);
  }
}
