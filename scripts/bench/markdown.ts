import { median } from "./median.ts";

const MISSING = "–";

/** A Markdown table, its columns aligned for readers of the plain text; all but the first `textColumns` hold numbers. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { textColumns }: { readonly textColumns: number },
): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const isText = (column: number) => column < textColumns;
  const line = (cells: readonly string[]) => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? "";
      return isText(column) ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) => (isText(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** `12,345` */
export function formatCount(value: number | undefined): string {
  return value === undefined ? MISSING : Math.round(value).toLocaleString("en-US");
}

/** The median, and between what the rounds varied: `0.97 (0.91–1.02)` */
export function formatRatios(ratios: readonly number[]): string {
  const middle = median(ratios);
  if (middle === undefined) return MISSING;
  return `${middle.toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
}
