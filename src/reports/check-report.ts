import type { CheckReport } from "../diagnostics/report-model.ts";
import { CheckWriter, type Layout } from "./check-writer.ts";

/** The report for programs. */
export function renderCheckJson(report: CheckReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** The report for people: all that was looked at, what is wrong and how to mend it, and one closing line. */
export function renderCheckText(report: CheckReport, layout: Layout = {}): string {
  const writer = new CheckWriter(report.target, { ids: report.checks.map(({ id }) => id), ...layout });
  const parts = report.checks.map((result) => writer.add(result, report.tables));
  return [...parts, writer.end(report)].join("");
}
