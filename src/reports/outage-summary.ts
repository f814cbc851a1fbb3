import type { SeriesRun } from "../outage/series.ts";
import { summarize } from "../outage/summary.ts";
import { formatMs, formatShare, VERDICT_MARKS } from "./outage-words.ts";

/** A column's head, and a shorter one for where every character counts. */
const COLUMNS = [
  ["verdict", ""],
  ["scenario", "scenario"],
  ["runs", "runs"],
  ["ttd", "ttd"],
  ["dbReady", "dbReady"],
  ["ttr", "ttr"],
  ["appLag", "appLag"],
  ["worst appLag", "worst"],
  ["lost", "lost"],
  ["doubled", "dbl"],
  ["unknown", "unk"],
  ["hung", "hung"],
  ["available", "avail."],
] as const;

/** The table over all scenarios: its head and a row for each, as text for whoever lays it out. */
export interface SummaryTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Why scenarios or runs are missing, as sentences. */
  readonly reasons: readonly string[];
}

/** Figures are medians of a scenario's runs; `worst` is the slowest run's appLag. */
export function summaryTable(runs: readonly SeriesRun[]): SummaryTable {
  const summaries = summarize(runs);
  const rows = summaries.map((row) => {
    const durations = [row.ttdMs, row.dbReadyMs, row.ttrMs, row.appLagMs, row.worstAppLagMs].map(formatMs);
    const counts = [row.lost, row.duplicated, row.unknown, row.hung].map((count) =>
      row.runs === 0 ? "-" : String(count ?? "?"),
    );
    const head = [VERDICT_MARKS[row.verdict], row.scenario, String(row.runs)];
    return [...head, ...durations, ...counts, formatShare(row.availability)];
  });
  const reasons = summaries.flatMap(({ scenario, reason }) => (reason === undefined ? [] : [`${scenario}: ${reason}`]));
  return { columns: COLUMNS.map(([words]) => words), rows, reasons };
}

/** The table in characters, each column as wide as it must be: 100 of them at most with the scenarios that there are. */
export function summaryLines(runs: readonly SeriesRun[]): string[] {
  const { rows } = summaryTable(runs);
  const columns = COLUMNS.map(([, short]) => short);
  const table = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lay = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return table.map((row) => row.map(lay).join(" ").trimEnd());
}
