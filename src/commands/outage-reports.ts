import { accessSync, constants, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { oneOf } from "../config/parse-setting.ts";
import { DebyError } from "../errors.ts";
import type { SeriesRun } from "../outage/series.ts";
import { renderOutageHtml } from "../reports/outage-html.ts";
import { renderOutageJson } from "../reports/outage-json.ts";
import { renderOutageJunit } from "../reports/outage-junit.ts";
import { renderOutageMarkdown } from "../reports/outage-markdown.ts";
import { renderOutageText, renderSeriesText } from "../reports/outage-report.ts";
import type { Flags } from "./command.ts";
import type { CommandIo } from "./io.ts";

/** What a command line came to. */
export interface Outcome {
  readonly runs: readonly SeriesRun[];
  /** Several runs were asked for, so that the reports are those of a series even if only one was done. */
  readonly isSeries: boolean;
}

const RENDERERS = {
  json: ({ runs, isSeries }: Outcome) => renderOutageJson(runs, { isSeries }),
  md: ({ runs }: Outcome) => renderOutageMarkdown(runs),
  html: ({ runs }: Outcome) => renderOutageHtml(runs),
  junit: ({ runs }: Outcome) => renderOutageJunit(runs),
} as const;

type ReportFormat = keyof typeof RENDERERS;

const FORMATS = Object.keys(RENDERERS);

export interface ReportFile {
  readonly format: ReportFormat;
  readonly path: string;
}

/**
 * The files of `--report json=FILE,html=FILE`. That they can be written is found out before the run, not after it.
 * @throws DebyError USAGE
 */
export function readReportFlag({ report }: Flags): ReportFile[] {
  if (report === undefined) return [];
  // A comma may stand in a file's name, as long as no format follows.
  const parts = report.toString().split(new RegExp(`,(?=(?:${FORMATS.join("|")})=)`));
  const files = parts.map(readReportFile);
  const paths = files.map(({ path }) => resolve(path));
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice !== undefined) throw new DebyError("USAGE", `--report names the file ${twice} twice`);
  return files;
}

function readReportFile(part: string): ReportFile {
  const [, format = "", path = ""] = /^([a-z]+)=(.+)$/.exec(part) ?? [];
  if (!isFormat(format)) {
    const shown = FORMATS.map((known) => `${known}=FILE`);
    throw new DebyError("USAGE", `--report must be ${oneOf(shown)}, or several with commas, received "${part}"`);
  }
  const folder = dirname(resolve(path));
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new DebyError("USAGE", `--report cannot be written: there is no writable folder ${folder}`, { cause: error });
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new DebyError("USAGE", `--report cannot be written: ${path} is a folder`);
  }
  return { format, path };
}

function isFormat(format: string): format is ReportFormat {
  return Object.hasOwn(RENDERERS, format);
}

/**
 * Writes the report to stdout and to the files. A lone run that could not be run has no report on stdout, where
 * nothing would be to be read; the files tell of it, as those of a series do.
 * @throws DebyError CANNOT_RUN if a file cannot be written; the others are
 */
export function deliverReports(
  outcome: Outcome,
  {
    io,
    files,
    wantsJson,
  }: { readonly io: CommandIo; readonly files: readonly ReportFile[]; readonly wantsJson: boolean },
): void {
  if (outcome.isSeries || outcome.runs.some(({ kind }) => kind === "judged")) {
    io.stdout.write(wantsJson ? RENDERERS.json(outcome) : renderText(outcome));
  }
  const failures = files.flatMap(({ format, path }) => {
    try {
      writeFileSync(path, RENDERERS[format](outcome));
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  });
  if (failures.length > 0) throw new DebyError("CANNOT_RUN", `The report cannot be written: ${failures.join("; ")}`);
}

function renderText({ runs, isSeries }: Outcome): string {
  const [only] = runs;
  return !isSeries && only?.kind === "judged" ? renderOutageText(only.result) : renderSeriesText(runs);
}
