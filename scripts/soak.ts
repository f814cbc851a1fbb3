// A long run of the fault suite's faults against one server: usage: bun run soak [--minutes N] [--seed N]

import { parseArgs } from "node:util";
import { type Random, seededRandom } from "../src/core/random.ts";
import { examineEnd, examinePool } from "../test/integration/faults/aftermath.ts";
import { exhausted, exhaustedAndEnded, SMALL_SERVER } from "../test/integration/faults/exhaustion-faults.ts";
import type { Fault } from "../test/integration/faults/fault.ts";
import { FaultRun } from "../test/integration/faults/fault-run.ts";
import { FIGURES_HEAD, figuresLine } from "../test/integration/faults/figures.ts";
import { frozenAtRest, frozenAtWork, frozenServer } from "../test/integration/faults/freeze-faults.ts";
import { ownStall, slowStatements } from "../test/integration/faults/harmless-faults.ts";
import { MemoryWatch } from "../test/integration/faults/memory.ts";
import * as network from "../test/integration/faults/network-faults.ts";
import { fastStop, killed } from "../test/integration/faults/restart-faults.ts";
import { assess, describeRun } from "../test/integration/faults/run-fault.ts";
import { Served } from "../test/integration/faults/served.ts";
import * as session from "../test/integration/faults/session-faults.ts";
import * as silence from "../test/integration/faults/silence-faults.ts";
import { Stage } from "../test/integration/faults/stage.ts";

const FAULTS: readonly Fault[] = [
  fastStop,
  killed,
  frozenServer,
  frozenAtWork,
  frozenAtRest,
  silence.silence,
  silence.answersCut,
  silence.oneSilent,
  silence.readCutInMidResult,
  silence.writeCutInMidResult,
  network.resetOfAll,
  network.readResetInMidResult,
  network.writeResetInMidResult,
  network.refused,
  network.acceptedAndClosed,
  network.acceptedAndMute,
  network.garbage,
  network.oneByteASecond,
  session.allTerminated,
  session.terminatedInTransaction,
  session.passwordChanged,
  session.passwordChangedAndEnded,
  session.databaseRenamed,
  exhausted,
  exhaustedAndEnded,
  slowStatements,
  ownStall,
];

/** Between two faults; not less than the time after which the table is compared. */
const MIN_PAUSE_MS = 5000;
const MAX_PAUSE_MS = 15_000;
/** Of each worker, so that ten minutes are not a benchmark. */
const WORKER_PAUSE_MS = 20;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_GROWTH = 1.2;
/** Large results before the measurement, so that memory which they need once is no growth. */
const LARGE_RESULTS = 5;

async function soak(minutes: number, random: Random): Promise<string[]> {
  await using stage = await Stage.open(SMALL_SERVER);
  const options = { pauseMs: WORKER_PAUSE_MS, requestTimeoutMs: REQUEST_TIMEOUT_MS, env: session.RETRY };
  await using served = await Served.start(stage, stage.nextSegment(), options);
  for (let i = 0; i < LARGE_RESULTS; i++) {
    await served.client.send({ kind: "other", method: "GET", path: "/faults/large-read" });
  }
  using memory = new MemoryWatch(served.process.pid);
  const broken: string[] = [];
  const endsAt = performance.now() + minutes * 60_000;
  while (performance.now() < endsAt) {
    const fault = FAULTS[Math.floor(random() * FAULTS.length)] as Fault;
    const pauseMs = MIN_PAUSE_MS + random() * (MAX_PAUSE_MS - MIN_PAUSE_MS);
    broken.push(...(await strike(fault, { stage, served, pauseMs })));
  }
  await served.load.stop();
  broken.push(...(await examinePool(stage, served)), ...judgeMemory(memory));
  return [...broken, ...(await examineEnd(stage, served))];
}

interface Moment {
  readonly stage: Stage;
  readonly served: Served;
  readonly pauseMs: number;
}

/** One fault; what it has broken. */
async function strike(fault: Fault, { stage, served, pauseMs }: Moment): Promise<string[]> {
  const { client } = served;
  const segment = stage.nextSegment();
  client.segment = segment;
  const run = new FaultRun(stage, served, segment);
  const wrong: string[] = [];
  try {
    await run.progress(100);
    await fault.strike(run);
    await run.recovered();
  } catch (error) {
    wrong.push(`${(error as Error).message}\n${describeRun(run)}`);
    await stage.restore();
  }
  await Bun.sleep(pauseMs);
  client.segment = stage.nextSegment();
  await run.answered();
  const { figures, wrong: judged } = await assess(fault, run);
  console.log(figuresLine(fault.name, figures));
  return [...wrong, ...judged].map((sentence) => `${fault.name}: ${sentence}`);
}

function judgeMemory({ thirds: { first, last }, samples }: MemoryWatch): string[] {
  const peak = Math.max(...samples);
  console.log(
    `memory: ${first.toFixed(1)} MB in the first third, ${last.toFixed(1)} MB in the last, peak ${peak.toFixed(1)} MB`,
  );
  return last > MAX_GROWTH * first ? [`memory grew by more than ${MAX_GROWTH} times`] : [];
}

function readArguments(args: readonly string[]): { readonly minutes: number; readonly seed: number } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0)) throw new Error(`--minutes must be a positive number: ${values.minutes}`);
  if (!Number.isInteger(seed)) throw new Error(`--seed must be a whole number: ${values.seed}`);
  return { minutes, seed };
}

async function main(args: readonly string[]): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: bun run soak [--minutes N] [--seed N]`);
    return 2;
  }
  const { minutes, seed } = wanted;
  console.log(`soak for ${minutes} minutes, --seed ${seed}\n${FIGURES_HEAD}`);
  const broken = await soak(minutes, seededRandom(seed));
  for (const sentence of broken) console.error(`broken: ${sentence}`);
  console.log(broken.length === 0 ? "nothing lost, doubled, hung or leaked" : `${broken.length} promises were broken`);
  return broken.length === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
