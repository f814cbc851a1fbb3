import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { type Clock, sleep } from "../core/clock.ts";
import { eraseJournal, type JournalEntry, readJournals, type Words } from "./journal.ts";
import { findProcesses } from "./own-process.ts";
import { runTool, ToolFailure } from "./tool.ts";

const COMMAND_LIMIT_MS = 60_000;
/** Healing is tried for so long. */
const HEAL_LIMIT_MS = 60_000;
/** What the killed run had asked for may still be done after it, so that the healing has to hold for so long. */
const HEALED_FOR_MS = 3_000;
/** And what it had begun to make may appear only now. */
const APPEARS_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 250;

/** A repair: what was done, and what could not be, both in words. */
export interface Repair {
  readonly runId: string;
  readonly done: readonly string[];
  readonly failures: readonly string[];
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
      for (const pid of pids) process.kill(pid, "SIGKILL");
      return pids.length > 0;
    });
  }
  const { healed } = entry;
  if (healed !== undefined) await attempt(`heal ${entry.target}`, () => heal(entry.heal, { ...healed, clock }));
  else if (entry.remove.length === 0) {
    for (const words of entry.heal) await attempt(words.join(" "), () => healBlindly(words));
  }
  for (const words of entry.remove) await attempt(words.join(" "), () => remove(words, clock));
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
    const runs = await findProcesses("simulate-outage");
    if (entry.pid === process.pid || runs.includes(entry.pid)) continue;
    const result = await repair(entry, clock);
    if (result.failures.length === 0) await eraseJournal(path);
    repairs.push(result);
  }
  return repairs;
}

interface HealOptions {
  readonly command: Words;
  readonly prints: string;
  readonly after: readonly string[];
  readonly clock: Clock;
}

/** Until it is healed and stays so. @throws the last failure */
async function heal(commands: readonly Words[], { command, prints, after, clock }: HealOptions): Promise<boolean> {
  const giveUpAt = clock.now() + HEAL_LIMIT_MS;
  while ((await isUnderWay(after)) && clock.now() < giveUpAt) await sleep(clock, LOOK_EVERY_MS);
  let healedAt: number | undefined;
  let failure: unknown;
  let isFirst = true;
  while (healedAt === undefined || clock.now() - healedAt < HEALED_FOR_MS) {
    // What runs may be harmed nevertheless: the commands are given once at least.
    const found = isFirst ? undefined : await ask(command);
    isFirst = false;
    if (found === prints) healedAt ??= clock.now();
    else {
      healedAt = undefined;
      if (clock.now() > giveUpAt) throw failure ?? new Error(`It says "${found}" instead of "${prints}"`);
      for (const words of commands) {
        // One of them may be out of place: what is not frozen cannot be thawed.
        await runTool(words, { limitMs: COMMAND_LIMIT_MS }).catch((error: unknown) => {
          failure = error;
        });
      }
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
  return true;
}

/** Where nothing tells whether it is needed. */
async function healBlindly(words: Words): Promise<boolean> {
  try {
    await runTool(words, { limitMs: COMMAND_LIMIT_MS });
    return true;
  } catch (error) {
    if (error instanceof ToolFailure && /already/i.test(error.message)) return false;
    throw error;
  }
}

async function isUnderWay(harms: readonly string[]): Promise<boolean> {
  const found = await Promise.all(harms.map(findProcesses));
  return found.some((pids) => pids.length > 0);
}

async function ask(command: Words): Promise<string> {
  try {
    return (await runTool(command, { limitMs: COMMAND_LIMIT_MS })).stdout;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @returns false if there was nothing to remove, for as long as something could still have appeared */
async function remove(words: Words, clock: Clock): Promise<boolean> {
  const giveUpAt = clock.now() + APPEARS_WITHIN_MS;
  while (true) {
    try {
      const { stdout, stderr } = await runTool(words, { limitMs: COMMAND_LIMIT_MS });
      // Newer engines say so without failing.
      if (stdout !== "" && !/no such/i.test(stderr)) return true;
    } catch (error) {
      if (!(error instanceof ToolFailure) || !/no such/i.test(error.message)) throw error;
    }
    if (clock.now() > giveUpAt) return false;
    await sleep(clock, LOOK_EVERY_MS);
  }
}
