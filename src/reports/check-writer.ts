import type { CheckResult } from "../diagnostics/check.ts";
import type { CheckReport, ReportTarget, TableFact } from "../diagnostics/report-model.ts";
import { closingLines, problemLines } from "./check-problems.ts";
import { harmless, indented, paint, statusMark, type TextOptions, textWidth, wrapText } from "./check-text.ts";

const TABLES_SHOWN = 20;
const TABLE_NAME_WIDTH = 60;
const MARK_WIDTH = 11;
const SHORTEST_ID_WIDTH = 8;
/** More checks than these, skipped for one reason, are counted and not named: nobody would read the names. */
const NAMED_AT_MOST = 12;

/** How a report is laid out, and what is known of it beforehand. */
export interface Layout extends TextOptions {
  /** Every check that may come, for the width of their column. */
  readonly ids?: readonly string[];
  /** Those of the health checks, which have a section of their own. */
  readonly healthIds?: readonly string[];
}

/** Writes a report for people check by check, so that it can be read while it comes about. */
export class CheckWriter {
  readonly #target: ReportTarget;
  readonly #layout: Layout;
  /** The section that is being written. */
  #section = "";
  #hasBegun = false;
  /** Checks that were skipped for one and the same reason, to be told in one row. */
  #skipped: CheckResult[] = [];

  constructor(target: ReportTarget, layout: Layout) {
    this.#target = target;
    this.#layout = layout;
  }

  /** The text that a result adds. */
  add(result: CheckResult, tables: readonly TableFact[] = []): string {
    const { id, status, evidence } = result;
    if (id === "config")
      return status === "fail" ? this.#begin() : this.#open("Configuration") + this.#configuration(evidence);
    const section = this.#sectionOf(id);
    if (status === "skip") {
      const before = this.#skipped[0]?.evidence === evidence ? "" : this.#flush();
      const heading = this.#open(section);
      this.#skipped.push(result);
      return before + heading;
    }
    const row = this.#flush() + this.#open(section) + this.#row(id, status, evidence);
    return id === "tables" && tables.length > 0 ? row + this.#open("Tables") + this.#tables(tables) : row;
  }

  /** The rest: what is wrong, worst first, and the closing line. */
  end(report: CheckReport): string {
    const begun = this.#flush() + this.#begin();
    const problems = problemLines(report, this.#layout);
    const heading = problems.length === 0 ? "" : `\n${paint("Problems", 1, this.#layout)}\n`;
    return `${begun}${heading}${lines(problems)}\n${lines(closingLines(report, this.#layout))}`;
  }

  #sectionOf(id: string): string {
    if (id === "config") return "Configuration";
    return this.#layout.healthIds?.includes(id) ? "Health" : "Connection";
  }

  #idWidthOf(section: string): number {
    const ids = (this.#layout.ids ?? []).filter((id) => this.#sectionOf(id) === section);
    return Math.max(SHORTEST_ID_WIDTH, ...ids.map((id) => id.length));
  }

  /** The first line of all. */
  #begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    const { user, address, database } = this.#target;
    const title = address === "" ? "deby check" : `deby check: ${user}@${address}/${database}`;
    return lines(wrapText(harmless(title), textWidth(this.#layout)));
  }

  /** The heading of a section that is not open yet. */
  #open(section: string): string {
    if (this.#section === section) return "";
    const before = this.#flush() + this.#begin();
    this.#section = section;
    return `${before}\n${paint(section, 1, this.#layout)}\n`;
  }

  #flush(): string {
    const [first] = this.#skipped;
    if (first === undefined) return "";
    const ids = this.#skipped.map(({ id }) => id);
    this.#skipped = [];
    if (ids.length === 1) return this.#row(first.id, "skip", first.evidence);
    const width = textWidth(this.#layout) - MARK_WIDTH - 2;
    const names = ids.length > NAMED_AT_MOST ? `${ids.length} checks` : ids.join(", ");
    const rows = wrapText(harmless(`${names}: ${first.evidence}`), width);
    return lines(indented(rows, MARK_WIDTH + 2, `  ${statusMark("skip", this.#layout)} `));
  }

  /** One check as one row: mark, id, what was seen. */
  #row(id: string, status: CheckResult["status"], evidence: string): string {
    const idWidth = this.#idWidthOf(this.#sectionOf(id));
    const indent = 2 + MARK_WIDTH + idWidth + 2;
    const lead = `  ${statusMark(status, this.#layout)} ${id.padEnd(idWidth + 2)}`;
    return lines(indented(wrapText(harmless(evidence), textWidth(this.#layout) - indent), indent, lead));
  }

  #configuration(evidence: string): string {
    return lines(indented(wrapText(harmless(evidence), textWidth(this.#layout) - 2), 2));
  }

  #tables(tables: readonly TableFact[]): string {
    const shown = tables.slice(0, TABLES_SHOWN).map(({ schema, name, estimatedRows, bytes }) => ({
      name: shortened(harmless(`${schema}.${name}`)),
      rows: estimatedRows === null ? "rows unknown" : `~${estimatedRows.toLocaleString("en-US")} rows`,
      size: bytes === null ? "locked" : humanSize(bytes),
    }));
    const widest = (column: "name" | "rows") => Math.max(...shown.map((row) => row[column].length));
    const more = tables.length - shown.length;
    return lines([
      ...shown.map(({ name, rows, size }) => {
        return `  ${name.padEnd(widest("name"))}  ${rows.padStart(widest("rows"))}  ${size.padStart(9)}`;
      }),
      ...(more > 0 ? [`  and ${more} more, which --json lists`] : []),
    ]);
  }
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join("");
}

function shortened(name: string): string {
  return name.length > TABLE_NAME_WIDTH ? `${name.slice(0, TABLE_NAME_WIDTH - 1)}…` : name;
}

function humanSize(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`;
}
