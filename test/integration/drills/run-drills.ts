import { examine, type JudgedRun } from "./aftermath.ts";
import { describeAnswer, isSuccess } from "./client.ts";
import { type DrillRun, describeDrill, runDrill } from "./drill-run.ts";
import { Lane, type LaneOptions } from "./lane.ts";
import { planDrill } from "./plan.ts";
import { Summary } from "./summary.ts";

export interface DrillsOptions extends LaneOptions {
  readonly seed: number;
  readonly count: number;
  /** How many run side by side. */
  readonly lanes: number;
  readonly log: (line: string) => void;
}

/** Drills that share a server and a deby, and the wait before the table is compared. */
const MAX_BATCH = 20;
const TELL_EVERY = 50;

/** Runs the drills of the seeds from `seed` on; what they have broken, each with the seed that repeats it. */
export async function runDrills({ seed, count, lanes, log, ...options }: DrillsOptions): Promise<string[]> {
  const batchSize = Math.min(MAX_BATCH, Math.ceil(count / lanes));
  const seeds = Array.from({ length: count }, (_, index) => seed + index);
  const summary = new Summary();
  const broken: string[] = [];
  const tell = (sentence: string): void => {
    broken.push(sentence);
    log(`broken: ${sentence}`);
  };
  const add = (judged: JudgedRun): void => {
    summary.add(judged);
    const { drill, answers } = judged.run;
    for (const [, answer] of answers) {
      if (!isSuccess(answer)) log(`failed: ${describeDrill(drill)}: ${describeAnswer(answer)}`);
    }
    for (const sentence of judged.broken) tell(`${describeDrill(drill)}: ${sentence}`);
    if (summary.drills % TELL_EVERY === 0) log(summary.progress);
  };
  const work = async (): Promise<void> => {
    for (let batch = seeds.splice(0, batchSize); batch.length > 0; batch = seeds.splice(0, batchSize)) {
      const name = `--seed ${batch[0]} --count ${batch.length}`;
      try {
        for (const sentence of await runBatch(batch, options, add)) tell(`${name}: ${sentence}`);
      } catch (error) {
        tell(`${name}: ${(error as Error).stack}`);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  log(summary.table);
  return broken;
}

/** Drills on a lane of their own; what is wrong with the lane in the end. */
async function runBatch(
  seeds: readonly number[],
  options: LaneOptions,
  add: (judged: JudgedRun) => void,
): Promise<string[]> {
  await using lane = await Lane.open(options);
  const runs: DrillRun[] = [];
  for (const seed of seeds) runs.push(await runDrill(lane, planDrill(seed)));
  for (const judged of await examine(lane, runs)) add(judged);
  return [...(await lane.mismatches()), ...(await lane.end())];
}
