import { formatCount, formatRatios, markdownTable } from "../markdown.ts";
import type { Samples } from "../samples.ts";
import { deby } from "./contenders.ts";

/** The route under so many connections. */
export interface HttpCell {
  readonly name: string;
  readonly connections: number;
}

export interface HttpFigures {
  readonly perSecond: Samples;
  readonly megabytes: Samples;
}

/** A Markdown table: requests a second, how deby's compare, and resident memory. */
export function httpReport(figures: HttpFigures, cells: readonly HttpCell[], names: readonly string[]): string {
  const { perSecond, megabytes } = figures;
  const head = ["server", ...cells.flatMap(({ connections }) => [`req/s at ${connections}`, "deby / it", "MB"])];
  const rows = names.map((name) => [
    name,
    ...cells.flatMap((cell) => [
      formatCount(perSecond.median(name, cell.name)),
      formatRatios(name === deby.name ? [] : perSecond.ratios(deby.name, name, cell.name)),
      formatCount(megabytes.median(name, cell.name)),
    ]),
  ]);
  const table = markdownTable(head, rows, { textColumns: 1 });
  return `Requests a second and resident memory, medians; ratios, medians of the rounds (lowest–highest):\n\n${table}`;
}
