import type { Check } from "../diagnostics/check.ts";
import type { Explanation } from "../diagnostics/explain.ts";
import { fixLines } from "./check-problems.ts";
import { indented, paint, type TextOptions, textWidth, wrapText } from "./check-text.ts";

/** The checks with their groups, in the order in which they run. */
export function renderCheckList(checks: readonly Check[], options: TextOptions): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  const groups = [...new Set(checks.map(({ group }) => group))];
  const sections = groups.map((group) => [
    paint(group, 1, options),
    ...checks.filter((check) => check.group === group).map(({ id, title }) => `  ${id.padEnd(width)}  ${title}`),
  ]);
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** What a check looks at, and what may be wrong with it; or what a code means. */
export function renderExplanation({ check, troubles }: Explanation, options: TextOptions): string {
  const width = textWidth(options);
  const head = check === undefined ? [] : checkLines(check, width);
  const blocks = troubles.map(({ codes, means, remedy }) => [
    ...wrapText(`${codes.join(", ")}: ${means}`, width).map((line) => paint(line, 1, options)),
    ...indented(wrapText(remedy.cause, width - 2), 2),
    ...fixLines(remedy.fix, options),
    ...indented([remedy.docs], 2),
  ]);
  const sections = head.length > 0 ? [head, ...blocks] : blocks;
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function checkLines({ id, title, group, about, needs }: Check, width: number): string[] {
  return [
    `${id}: ${title}`,
    ...(about === undefined ? [] : indented(wrapText(about, width - 2), 2)),
    `  group: ${group}${needs.length === 0 ? "" : `; needs: ${needs.join(", ")}`}`,
  ];
}
