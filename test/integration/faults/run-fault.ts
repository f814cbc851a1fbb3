import { examineEnd, examinePool, readTable } from "./aftermath.ts";
import type { Fault } from "./fault.ts";
import { FaultRun } from "./fault-run.ts";
import { type Figures, figuresLine, makeFigures } from "./figures.ts";
import { judge } from "./judge.ts";
import { Served } from "./served.ts";
import type { Stage } from "./stage.ts";
import { starvationsIn } from "./starvation.ts";

/** A frozen server may still run what deby has given up long ago. */
const COMPARED_AFTER_MS = 5000;
/** Requests that have succeeded before the fault, in each worker's turn. */
const WARM_UP = 200;

export interface FaultReport {
  readonly figures: Figures;
  /** Empty when deby has kept all its promises. */
  readonly broken: readonly string[];
}

/** Starts deby under load, lets the fault strike, looks at everything that is left, and prints the figures. */
export async function runFault(stage: Stage, fault: Fault): Promise<FaultReport> {
  await stage.restore();
  await fault.prepare?.(stage.server);
  const segment = stage.nextSegment();
  await using served = await Served.start(stage, segment, fault);
  const run = new FaultRun(stage, served, segment);
  try {
    if (fault.until !== "listening") await run.progress(WARM_UP);
    await fault.strike(run);
    await run.recovered();
    await served.load.stop();
    const broken = [...(await examinePool(stage, served)), ...(await examineEnd(stage, served))];
    await Bun.sleep(Math.max(0, run.thawedAt + COMPARED_AFTER_MS - performance.now()));
    const { figures, wrong } = await assess(fault, run);
    console.log(figuresLine(fault.name, figures));
    return { figures, broken: [...broken, ...wrong] };
  } catch (error) {
    throw new Error(`${fault.name}: ${(error as Error).message}\n${describeRun(run)}`, { cause: error });
  }
}

/** Compares the ledger of a run with the table and judges what it finds. */
export async function assess(fault: Fault, run: FaultRun) {
  const { served, server, segment, outages, firstLine } = run;
  const { changes } = served.health;
  const entries = served.client.take(segment);
  const starved = starvationsIn(served.process.lines);
  const figures = makeFigures(entries, await readTable(server, segment), { outages, changes, starved });
  const wrong = judge(fault, {
    entries,
    figures,
    outages,
    changes: changes.filter(({ at }) => at >= run.startedAt),
    blindReads: served.load.blindReads.filter((entry) => entry.segment === segment),
    events: served.eventsFrom(firstLine),
    crashSigns: served.crashSignsFrom(firstLine),
    requestTimeoutMs: served.requestTimeoutMs,
    starved,
  });
  return { figures, wrong };
}

/** What health has told, and the end of the log, for whoever has to find out what went wrong. */
export function describeRun({ served, startedAt, firstLine }: FaultRun): string {
  const changes = served.health.changes.filter(({ at }) => at >= startedAt);
  const told = changes.map(({ at, state, reason }) => `${Math.round(at - startedAt)} ms ${state} ${reason}`);
  return [`health: ${told.join(", ")}`, ...served.process.lines.slice(firstLine).slice(-30)].join("\n");
}
