import { type Random, seededRandom } from "../../../src/core/random.ts";
import type { Samples } from "../samples.ts";
import type { PoolCell } from "./report.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** Long enough to open the connections; deby's heartbeat opens its own half a second after the start. */
const WARM_UP_MS = 700;
/** A slice is measured in parts of about this length, the contenders taking turns. */
const PART_MS = 50;
/** The first turns do not count: whoever was opened first has grown cold, and whoever was last is warm. */
const COLD_PARTS = 2;

export interface PoolRound {
  /** Which round it is; decides the order. */
  readonly number: number;
  readonly workers: readonly WorkerProcess[];
  readonly cells: readonly PoolCell[];
  readonly sliceMs: number;
  /** Where the statements a second go. */
  readonly samples: Samples;
  /** Looked at between two measurements. */
  readonly signal: AbortSignal;
}

/**
 * Measures every contender in every cell once, in turns of a few hundredths of a second: what else the machine does in
 * these seconds hits all alike. On a shared machine it may take half of the throughput in one second, and nothing in the
 * next. Each turn has another order, as has the opening, or the garbage of one would always be collected while the same
 * other is measured.
 */
export async function runPoolRound({ cells, workers, ...round }: PoolRound): Promise<void> {
  const random = seededRandom(round.number);
  for (const cell of cells) {
    const open: WorkerProcess[] = [];
    for (const worker of shuffled(workers, random)) if (await worker.open(cell, WARM_UP_MS)) open.push(worker);
    await measureInTurns(cell, open, { ...round, random });
    for (const worker of open) await worker.close();
  }
}

async function measureInTurns(
  cell: PoolCell,
  workers: readonly WorkerProcess[],
  { sliceMs, samples, signal, random }: Omit<PoolRound, "number" | "cells" | "workers"> & { readonly random: Random },
): Promise<void> {
  const parts = Math.max(1, Math.round(sliceMs / PART_MS));
  const sums = new Map(workers.map((worker) => [worker, { statements: 0, seconds: 0 }]));
  for (let part = -COLD_PARTS; part < parts; part += 1) {
    for (const worker of shuffled(workers, random)) {
      signal.throwIfAborted();
      const { statements, seconds } = await worker.measure(sliceMs / parts);
      const sum = sums.get(worker);
      if (sum === undefined || part < 0) continue;
      sum.statements += statements;
      sum.seconds += seconds;
    }
  }
  for (const [{ name }, { statements, seconds }] of sums) samples.add(name, cell.name, statements / seconds);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const drawn = items.map((item) => ({ item, key: random() }));
  return drawn.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
