import { within } from "../../support/wait-until.ts";
import { type Answer, put } from "./client.ts";
import type { Lane, Resolved } from "./lane.ts";
import { type Drill, nameOf, type PlannedWrite } from "./plan.ts";

/** Longer than all writes of a writer take if each of them hangs. */
const OVER_WITHIN_MS = 90_000;

/** A drill and what came of it. */
export interface DrillRun {
  readonly drill: Drill;
  /** Each first answer with its plan. */
  readonly answers: readonly (readonly [PlannedWrite, Answer])[];
  readonly resolved: Resolved;
  readonly hits: number;
  /** By `performance.now()`: all is healed and answered; the table is compared some time later. */
  readonly healedAt: number;
  readonly broken: string[];
}

/** Lets the writers write while the fault strikes; returns when all is answered and healed. */
export async function runDrill(lane: Lane, drill: Drill): Promise<DrillRun> {
  const { fault, second, writers } = drill;
  const before = await lane.resolved();
  const firstLine = lane.lines.length;
  if (fault.kind !== "kill") lane.striker.arm(fault, second);
  const killed = fault.kind === "kill" ? lane.kill(fault) : Promise.resolve();
  const written = Promise.all([...writers.map((writes) => writeAll(lane, writes)), killed.then(() => [])]);
  const answers = (await within("all writes are answered", OVER_WITHIN_MS, written)).flat();
  await lane.striker.disarm();
  const healedAt = performance.now();
  const after = await lane.resolved();
  const hits = fault.kind === "kill" ? 1 : lane.striker.hits;
  const broken = [
    ...(hits === 0 ? ["nothing was struck"] : []),
    ...crashSigns(lane.lines.slice(firstLine)).map((line) => `deby printed: ${line}`),
  ];
  return { drill, answers, resolved: difference(before, after), hits, healedAt, broken };
}

/** How to repeat it, and what it was. */
export function describeDrill({ seed, fault, second }: Drill): string {
  const place = fault.kind === "kill" ? "" : ` at ${fault.step}${fault.hitsReply ? "'s reply" : ""}`;
  return `--seed ${seed} --count 1 (${nameOf(fault)}${place}${second ? `, then ${nameOf(second)} at ${second.step}` : ""})`;
}

async function writeAll(lane: Lane, writes: readonly PlannedWrite[]): Promise<(readonly [PlannedWrite, Answer])[]> {
  const answers: (readonly [PlannedWrite, Answer])[] = [];
  for (const write of writes) {
    await Bun.sleep(write.pauseMs);
    answers.push([write, await put(lane.url, write)]);
  }
  return answers;
}

/** What is no log line, or tells of an error which nobody handled. */
function crashSigns(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    try {
      const { event } = JSON.parse(line) as { event?: string };
      return event === undefined || event === "process.stray-error";
    } catch {
      return true;
    }
  });
}

function difference(before: Resolved, after: Resolved): Resolved {
  return {
    committed: after.committed - before.committed,
    notCommitted: after.notCommitted - before.notCommitted,
    unknown: after.unknown - before.unknown,
  };
}
