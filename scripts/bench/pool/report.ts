import { formatCount, formatRatios, markdownTable } from "../markdown.ts";
import type { Samples } from "../samples.ts";
import { debyQuery, debyRead } from "./contenders/deby.ts";
import { postgresJs, postgresJsUnpipelined } from "./contenders/postgres-js.ts";

/** One workload at one concurrency. */
export interface PoolCell {
  readonly name: string;
  readonly workload: string;
  readonly concurrency: number;
}

/** Two Markdown tables: statements a second, and how deby's compare. */
export function poolReport(samples: Samples, cells: readonly PoolCell[], contenders: readonly string[]): string {
  const label = ({ workload, concurrency }: PoolCell) => [workload, String(concurrency)];
  const figures = cells.map((cell) => [
    ...label(cell),
    ...contenders.map((contender) => formatCount(samples.median(contender, cell.name))),
  ]);
  const ratios = cells.map((cell) => [
    ...label(cell),
    ...RATIOS.map(([one, other]) => formatRatios(samples.ratios(one, other, cell.name))),
  ]);
  const head = ["workload", "at once"];
  const ratioNames = RATIOS.map(([one, other]) => `${one} / ${other}`);
  return [
    "Statements a second, medians:\n",
    markdownTable([...head, ...contenders], figures, { textColumns: 1 }),
    "\nRatios, medians of the rounds (lowest–highest):\n",
    markdownTable([...head, ...ratioNames], ratios, { textColumns: 1 }),
  ].join("\n");
}

const RATIOS = [debyRead, debyQuery].flatMap((deby) =>
  [postgresJsUnpipelined, postgresJs].map((peer) => [deby.name, peer.name] as const),
);
