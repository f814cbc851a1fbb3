import { askOutcome, isSuccess, put } from "./client.ts";
import type { DrillRun } from "./drill-run.ts";
import { type Breach, breachOf, describeBreach, judgeRepeated } from "./judge.ts";
import type { Lane } from "./lane.ts";

/** How long after the healing the table is final. */
const SETTLED_AFTER_MS = 5000;

/** A drill, and what was wrong with which answers. */
export interface JudgedRun {
  readonly run: DrillRun;
  readonly breaches: readonly Breach[];
  readonly broken: readonly string[];
}

/** Compares every answer with the table, and sends again what failed and a sample of the rest. */
export async function examine(lane: Lane, runs: readonly DrillRun[]): Promise<JudgedRun[]> {
  const healedAt = Math.max(...runs.map((run) => run.healedAt));
  await Bun.sleep(Math.max(0, healedAt + SETTLED_AFTER_MS - performance.now()));
  const rows = await lane.rowsOf(runs.flatMap(({ answers }) => answers.map(([{ id }]) => id)));
  const judged: JudgedRun[] = [];
  for (const run of runs) {
    const found = run.answers.flatMap(([, answer]) => {
      const breach = breachOf(answer, rows);
      return breach === undefined ? [] : [{ breach, sentence: describeBreach(breach, answer) }];
    });
    judged.push({
      run,
      breaches: found.map(({ breach }) => breach),
      broken: [...run.broken, ...found.map(({ sentence }) => sentence), ...(await repeat(lane, run, rows))],
    });
  }
  lane.striker.forgetMute();
  return judged;
}

async function repeat(lane: Lane, { answers }: DrillRun, rows: ReadonlyMap<string, number>): Promise<string[]> {
  const repeated = answers.filter(([plan, answer]) => plan.isRepeated || !isSuccess(answer));
  const wrong = await Promise.all(
    repeated.map(async ([plan, first]) => {
      const before = rows.get(plan.id) ?? 0;
      const told = isSuccess(first) ? undefined : await askOutcome(lane.url, plan.id);
      const actual = before > 0 ? "committed" : "not-committed";
      const again = await put(lane.url, plan);
      return [
        ...(told === undefined || told === actual ? [] : [`/api/outcomes/${plan.id} tells ${told}, it is ${actual}`]),
        ...judgeRepeated(first, again, before),
      ];
    }),
  );
  const after = await lane.rowsOf(repeated.map(([{ id }]) => id));
  const notOnce = repeated.filter(([{ id }]) => after.get(id) !== 1);
  return [...wrong.flat(), ...notOnce.map(([{ id }]) => `sent again, ${id} is there ${after.get(id) ?? 0} times`)];
}
