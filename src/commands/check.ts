import { writeFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import { wantsColors } from "../core/log.ts";
import type { Subject } from "../diagnostics/check.ts";
import { CHECKS } from "../diagnostics/checks.ts";
import { examine } from "../diagnostics/examine.ts";
import { explain } from "../diagnostics/explain.ts";
import { type CheckReport, describeTarget, exitCodeOf } from "../diagnostics/report-model.ts";
import { type Selection, selectChecks, unknownCheck } from "../diagnostics/select-checks.ts";
import { currentSystem } from "../diagnostics/shell.ts";
import { refusedSubject, subjectOf } from "../diagnostics/subject.ts";
import { waitUntilUsable } from "../diagnostics/wait-until-usable.ts";
import { DebyError } from "../errors.ts";
import { renderCheckList, renderExplanation } from "../reports/check-explanation.ts";
import { renderCheckJunit } from "../reports/check-junit.ts";
import { renderCheckJson, renderCheckText } from "../reports/check-report.ts";
import type { TextOptions } from "../reports/check-text.ts";
import { CheckWriter, type Layout } from "../reports/check-writer.ts";
import { CHECK_FLAGS, type CheckWishes, readCheckFlags } from "./check-flags.ts";
import { type Progress, progressOn } from "./check-progress.ts";
import type { Command, CommandInput } from "./command.ts";
import { databaseFlags, settingFlags } from "./flags.ts";
import type { CommandIo } from "./io.ts";
import { loadCommandConfig } from "./load-config.ts";

export const check: Command = {
  args: { ...CHECK_FLAGS, ...databaseFlags(), ...settingFlags("check") },
  examples: [
    "deby check",
    "deby check --db-url postgres://app@db.example.com/shop --db-password-file ./password",
    "deby check --wait 60s",
    "deby check --json --fail-on warn --junit check.xml",
    "deby check --only connection",
    "deby check --explain 28P01",
  ],
  async run(input) {
    const { flags, io } = input;
    if (flags["list"] === true) return tell(io, renderCheckList(CHECKS, textOptions(io)));
    if (flags["explain"] !== undefined) return tell(io, explanationOf(flags["explain"].toString(), io));
    const wishes = readCheckFlags(flags);
    // Whether a program may start is a question of the connection; the state of health is somebody's who reads it.
    const selection = selectChecks(CHECKS, {
      only: wishes.waitMs === undefined ? undefined : ["connection"],
      ...wishes,
    });
    const subject = readSubject(input);
    if ("refused" in subject) return await refuse(subject.refused, subject.error, { wishes, selection, io });
    return await untilSignal(io, (signal) => runCheck(subject, { wishes, selection, io, signal }));
  },
};

interface Run {
  readonly wishes: CheckWishes;
  readonly selection: Selection;
  readonly io: CommandIo;
}

function tell(io: CommandIo, text: string): number {
  io.stdout.write(text);
  return 0;
}

function explanationOf(name: string, io: CommandIo): string {
  const explanation = explain(name, CHECKS, currentSystem(io.platform));
  if (explanation === undefined) throw unknownCheck(CHECKS, name, "--explain");
  return renderExplanation(explanation, textOptions(io));
}

/** What is to be examined, or what is left of it where the configuration was refused. */
function readSubject(input: CommandInput): Subject | { readonly refused: Subject; readonly error: DebyError } {
  const os = currentSystem(input.io.platform);
  try {
    return subjectOf(loadCommandConfig(input), os);
  } catch (error) {
    if (!(error instanceof DebyError) || error.code !== "CONFIG_INVALID") throw error;
    return { refused: refusedSubject(error.message, os), error };
  }
}

/** Waiting cures no configuration: the report tells what is wrong with it, whatever else was asked for. */
async function refuse(subject: Subject, { exitCode }: DebyError, run: Run): Promise<number> {
  const { selection, wishes } = run;
  const { signal } = new AbortController();
  const report = await examine(subject, { clock: systemClock, timeoutMs: wishes.timeoutMs, signal, selection });
  deliver(report, run);
  return exitCode;
}

interface RunUntil extends Run {
  readonly signal: AbortSignal;
}

async function runCheck(subject: Subject, run: RunUntil): Promise<number> {
  const progress = progressOn(run.io);
  try {
    const { waitMs } = run.wishes;
    return await (waitMs === undefined ? lookOnce(subject, progress, run) : waitFor(subject, waitMs, progress, run));
  } finally {
    progress.clear();
  }
}

/** On a terminal each result is shown as soon as it is there. */
async function lookOnce(subject: Subject, progress: Progress, run: RunUntil): Promise<number> {
  const { wishes, selection, io, signal } = run;
  const isLive = !wishes.wantsJson && io.stdout.isTTY === true;
  const ids = selection.checks.map(({ id }) => id);
  const writer = new CheckWriter(describeTarget(subject), { ...layoutOf(io), ids });
  const report = await examine(subject, {
    clock: systemClock,
    timeoutMs: wishes.timeoutMs,
    signal,
    selection,
    onStart: progress.step,
    onResult(result, tables) {
      progress.clear();
      if (isLive) io.stdout.write(writer.add(result, tables));
    },
  });
  progress.clear();
  if (isLive) {
    io.stdout.write(writer.end(report));
    writeJunit(report, wishes);
  } else deliver(report, run);
  return exitCodeOf(report, wishes.failOn);
}

async function waitFor(subject: Subject, waitMs: number, progress: Progress, run: RunUntil): Promise<number> {
  const { wishes, selection, signal } = run;
  const clock = systemClock;
  const startedAt = clock.now();
  const { isUsable, report } = await waitUntilUsable(subject, {
    clock,
    timeoutMs: wishes.timeoutMs,
    signal,
    selection,
    limitAt: startedAt + waitMs,
    onObstacle: (obstacle) => progress.waiting(obstacle, clock.now() - startedAt),
  });
  progress.clear();
  deliver(report, run);
  return isUsable ? exitCodeOf(report, wishes.failOn) : 1;
}

function deliver(report: CheckReport, { wishes, io }: Run): void {
  io.stdout.write(wishes.wantsJson ? renderCheckJson(report) : renderCheckText(report, layoutOf(io)));
  writeJunit(report, wishes);
}

function writeJunit(report: CheckReport, { junitFile, failOn }: CheckWishes): void {
  if (junitFile === undefined) return;
  try {
    writeFileSync(junitFile, renderCheckJunit(report, failOn));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DebyError("CANNOT_RUN", `The report cannot be written: ${message}`, { cause: error });
  }
}

function textOptions({ stdout, env }: CommandIo): TextOptions {
  const hasColors = wantsColors(stdout.isTTY === true, env);
  return { hasColors, ...(stdout.columns === undefined ? {} : { columns: stdout.columns }) };
}

function layoutOf(io: CommandIo): Layout {
  return { ...textOptions(io), healthIds: CHECKS.filter(({ group }) => group === "health").map(({ id }) => id) };
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
