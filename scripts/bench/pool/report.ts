import { formatCount, formatRatios, markdownTable } from "../markdown.ts";
import type { Samples } from "../samples.ts";
import { debyOnce, debyQuery, debyRead, debyTransaction } from "./contenders/deby.ts";
import { postgresJs, postgresJsUnpipelined } from "./contenders/postgres-js.ts";
import { INSERT } from "./workloads.ts";

/** One workload at one concurrency. */
export interface PoolCell {
  readonly name: string;
  readonly workload: string;
  readonly concurrency: number;
}

/** Two Markdown tables: statements a second, and how deby's compare, one by one and over all workloads. */
export function poolReport(samples: Samples, cells: readonly PoolCell[], contenders: readonly string[]): string {
  const label = ({ workload, concurrency }: PoolCell) => [workload, String(concurrency)];
  const bare = contenders.filter((name) => !KEYED.some((keyed) => keyed.name === name));
  const figures = cells.map((cell) => [
    ...label(cell),
    ...bare.map((contender) => formatCount(samples.median(contender, cell.name))),
  ]);
  const ratios = cells.map((cell) => [
    ...label(cell),
    ...RATIOS.map(([one, other]) => formatRatios(samples.ratios(one, other, cell.name))),
  ]);
  const means = [...new Set(cells.map(({ concurrency }) => concurrency))].map((concurrency) => {
    const names = cells.filter((cell) => cell.concurrency === concurrency).map(({ name }) => name);
    return [
      "their mean",
      String(concurrency),
      ...RATIOS.map(([one, other]) => formatRatios(samples.meanRatios(one, other, names))),
    ];
  });
  const head = ["workload", "at once"];
  const ratioNames = RATIOS.map(([one, other]) => `${one} / ${other}`);
  return [
    "Statements a second, medians:\n",
    markdownTable([...head, ...bare], figures, { textColumns: 1 }),
    "\nRatios, medians of the rounds (lowest–highest):\n",
    markdownTable([...head, ...ratioNames], [...ratios, ...means], { textColumns: 1 }),
    ...keyTable(samples, cells, contenders),
  ].join("\n");
}

/** What a key costs: the same insert alone, in a transaction, and in a transaction with a key. */
function keyTable(samples: Samples, cells: readonly PoolCell[], contenders: readonly string[]): string[] {
  if (!contenders.includes(debyOnce.name)) return [];
  const rows = cells
    .filter(({ workload }) => workload === INSERT)
    .map(({ name, concurrency }) => [
      String(concurrency),
      ...[debyQuery, ...KEYED].map((contender) => formatCount(samples.median(contender.name, name))),
      ...[debyTransaction, debyQuery].map((other) => formatRatios(samples.ratios(debyOnce.name, other.name, name))),
    ]);
  const head = ["at once", "query", "transaction", "once", "once / transaction", "once / query"];
  return ["\nWhat a key costs, inserts a second:\n", markdownTable(head, rows, { textColumns: 0 })];
}

const KEYED = [debyTransaction, debyOnce];

const RATIOS = [debyRead, debyQuery].flatMap((deby) =>
  [postgresJsUnpipelined, postgresJs].map((peer) => [deby.name, peer.name] as const),
);
