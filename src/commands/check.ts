import { systemClock } from "../core/clock.ts";
import { wantsColors } from "../core/log.ts";
import type { Subject } from "../diagnostics/check.ts";
import { CHECKS } from "../diagnostics/checks.ts";
import { type CheckReport, exitCodeOf, makeReport } from "../diagnostics/report-model.ts";
import { runChecks } from "../diagnostics/run-checks.ts";
import { Session } from "../diagnostics/session.ts";
import { currentSystem } from "../diagnostics/shell.ts";
import { DebyError } from "../errors.ts";
import { renderCheckJson, renderCheckText } from "../reports/check-report.ts";
import type { Command, Flags } from "./command.ts";
import { databaseFlags, durationFlag, settingFlags } from "./flags.ts";
import type { CommandIo } from "./io.ts";
import { loadCommandConfig } from "./load-config.ts";

const DEFAULT_TIMEOUT_MS = 5_000;

export const check: Command = {
  args: {
    json: { type: "boolean", description: "print the report as JSON and nothing else on stdout" },
    timeout: { type: "string", valueHint: "duration", description: "limit of each step (default 5s)" },
    ...databaseFlags(),
    ...settingFlags("check"),
  },
  examples: [
    "deby check",
    "deby check --db-url postgres://app@db.example.com/shop --db-password-file ./password",
    "deby check --json --timeout 2s",
  ],
  async run(input) {
    const { flags, io } = input;
    const timeoutMs = readTimeout(flags);
    const { config, sources, warnings } = loadCommandConfig(input);
    const subject: Subject = {
      target: config.database,
      settings: sources,
      // Told by the report, not by the log: there they stand beside what they may have caused.
      warnings,
      connectTimeoutMs: config.pool.connectTimeoutMs,
      os: currentSystem(io.platform),
    };
    return await untilSignal(io, async (signal) => {
      const report = await examine(subject, { timeoutMs, signal, io });
      io.stdout.write(flags["json"] ? renderCheckJson(report) : renderText(report, io));
      return exitCodeOf(report);
    });
  },
};

function readTimeout(flags: Flags): number {
  const timeoutMs = durationFlag(flags, "timeout") ?? DEFAULT_TIMEOUT_MS;
  if (timeoutMs > 0) return timeoutMs;
  throw new DebyError("USAGE", `--timeout must be more than 0ms, received "${flags["timeout"]}"`);
}

async function examine(
  subject: Subject,
  { timeoutMs, signal, io }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly io: CommandIo },
): Promise<CheckReport> {
  const clock = systemClock;
  await using session = new Session(clock);
  const progress = progressOn(io);
  try {
    const onStart = progress.show;
    const results = await runChecks(CHECKS, { subject, session }, { clock, timeoutMs, signal, onStart });
    return makeReport(subject, results, session.tables);
  } finally {
    progress.clear();
  }
}

/** One line on a terminal that tells which step is under way, gone before the report comes. */
function progressOn({ stderr, env }: CommandIo): {
  show(check: { readonly title: string }, index: number): void;
  clear(): void;
} {
  const isLive = stderr.isTTY === true && env["TERM"] !== "dumb";
  const write = (text: string) => isLive && stderr.write(`\r\u001B[K${text}`);
  return {
    show: ({ title }, index) => write(`Checking ${index + 1}/${CHECKS.length}: ${title} …`),
    clear: () => write(""),
  };
}

function renderText(report: CheckReport, { stdout, env }: CommandIo): string {
  const hasColors = wantsColors(stdout.isTTY === true, env);
  return renderCheckText(report, { hasColors, ...(stdout.columns === undefined ? {} : { columns: stdout.columns }) });
}

/** Runs to the end, or until SIGINT or SIGTERM, which give 130 and 143. */
async function untilSignal(io: CommandIo, run: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  let exitCode = 130;
  const stopListening = io.onSignals(["SIGINT", "SIGTERM"], (name) => {
    exitCode = name === "SIGINT" ? 130 : 143;
    if (interrupted.signal.aborted) io.exit(exitCode);
    interrupted.abort();
  });
  try {
    return await run(interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return exitCode;
    throw error;
  } finally {
    stopListening();
  }
}
