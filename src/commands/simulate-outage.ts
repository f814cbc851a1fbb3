import { writeFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { systemRandom } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { describePlan } from "../outage/describe-plan.ts";
import { HealFailed } from "../outage/experiment.ts";
import { InterruptionSource } from "../outage/interruption.ts";
import { repairLeftovers } from "../outage/repair.ts";
import type { OutageResult } from "../outage/report-model.ts";
import { makeRunId } from "../outage/run-id.ts";
import { type OutagePlan, type OutageRun, runOutage } from "../outage/run-outage.ts";
import { parseServerUrl } from "../outage/running-server.ts";
import { findScenario, SCENARIOS } from "../outage/scenarios/all.ts";
import { TARGET_NAMES, type TargetName } from "../outage/targets/choose.ts";
import { renderOutageJson, renderOutageText } from "../reports/outage-report.ts";
import type { Command, CommandInput } from "./command.ts";
import { databaseFlags, settingFlags } from "./flags.ts";
import type { CommandIo } from "./io.ts";
import { createCommandLog, loadCommandConfig } from "./load-config.ts";
import { readReportFlag, readRunFlags, runFlags } from "./outage-flags.ts";

/** Exit codes of this command besides those of errors. */
const EXIT = { kept: 0, broken: 1, cleanUpFailed: 4, interrupted: 130 } as const;

const STEADY_FOR_MS = 3_000;

export const simulateOutage: Command = {
  args: {
    action: {
      type: "positional",
      required: false,
      description: "heal: repairs what a run left that was killed together with its watchdog",
    },
    target: {
      type: "enum",
      options: [...TARGET_NAMES],
      description:
        "what is broken: a throw-away Postgres in Docker, or embedded where there is no Docker (default auto)",
    },
    container: {
      type: "string",
      valueHint: "name",
      description: "a container of yours instead, labelled deby.chaos=allow or confirmed by --confirm",
    },
    service: {
      type: "string",
      valueHint: "name",
      description:
        "of the target compose (default its Postgres), or the unit, formula or service of the target service",
    },
    server: {
      type: "string",
      valueHint: "url",
      description: "judges a server that runs already and has the canary routes, instead of a deby serve of its own",
    },
    confirm: { type: "string", valueHint: "name", description: "allows to break what deby did not make, by its name" },
    scenario: { type: "string", valueHint: "name", description: "what goes wrong; list shows them (default stop)" },
    ...runFlags(),
    report: { type: "string", valueHint: "json=file", description: "writes the report to a file as well" },
    plan: { type: "boolean", description: "says what would happen, and does nothing" },
    json: { type: "boolean", description: "the report as JSON on stdout, and nothing else there" },
    ...databaseFlags(),
    ...settingFlags("simulate-outage"),
  },
  examples: [
    "deby simulate-outage",
    "deby simulate-outage --target embedded --scenario kill",
    "deby simulate-outage --image postgres:16 --outage 30s --rate 200",
    "deby simulate-outage --scenario list",
    "deby simulate-outage --json --report json=report.json",
    "deby simulate-outage --container db --confirm db --plan",
    "deby simulate-outage --target proxy --proxy-port 6432 --scenario netcut --server http://127.0.0.1:5000",
    "deby simulate-outage heal",
  ],
  async run(input) {
    const { flags, io } = input;
    if (flags["action"] === "heal") return await healLeftovers(input);
    if (flags["action"] !== undefined) {
      throw new DebyError("USAGE", `simulate-outage knows the word heal only, received "${flags["action"]}"`);
    }
    const { scenario: name = "stop" } = flags;
    if (name === "list") {
      io.stdout.write(SCENARIOS.map((scenario) => `${scenario.name.padEnd(20)}${scenario.summary}\n`).join(""));
      return EXIT.kept;
    }
    return await simulate(input, findScenario(name.toString()));
  },
};

async function simulate({ flags, io }: CommandInput, scenario: (typeof SCENARIOS)[number]): Promise<number> {
  const values = readRunFlags(flags);
  const reportFile = readReportFlag(flags);
  const { config, settings } = loadCommandConfig({ flags, io });
  const log = createCommandLog(config.serve, io);
  if (io.env["NODE_ENV"] === "production") {
    throw new DebyError("USAGE", "Refused, since NODE_ENV is production: an outage is not simulated there");
  }

  const plan: OutagePlan = {
    scenario,
    // Checked with the other arguments.
    target: (flags["target"] ?? "auto") as TargetName,
    image: settings.image,
    container: flags["container"]?.toString(),
    service: flags["service"]?.toString(),
    proxyPort: values.proxyPort,
    confirm: flags["confirm"]?.toString(),
    server: flags["server"] === undefined ? undefined : parseServerUrl(flags["server"].toString()),
    database: config.database,
    outageMs: values.outage,
    warmupMs: values.warmup,
    settleMs: values.settle,
    steadyForMs: STEADY_FOR_MS,
    ratePerSecond: values.rate,
    writeShare: values.writes,
    requestTimeoutMs: config.pool.requestTimeoutMs,
    retryIntervalMs: config.pool.retryIntervalMs,
    seed: values.seed ?? Math.floor(systemRandom() * 1_000_000_000),
  };
  if (flags["plan"] === true) {
    io.stdout.write(
      describePlan(plan)
        .map((line) => `${line}\n`)
        .join(""),
    );
    return EXIT.kept;
  }

  const interruption = new InterruptionSource();
  const stray: { error?: unknown } = {};
  io.onStrayError((error) => {
    stray.error ??= error;
    interruption.request();
  });
  const stopListening = io.onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (signal) => {
    const what = interruption.signal.aborted
      ? "removing everything at once"
      : "healing and cleaning up; again to hurry";
    log.warn("outage.interrupted", `${signal} received: ${what}`, { signal });
    interruption.request();
  });
  try {
    const run = await runOutage(plan, {
      clock: systemClock,
      interruption,
      runId: makeRunId(),
      progress: { phase: (phase, detail) => log.info("outage.phase", `${phase.padEnd(9)} ${detail}`, { phase }) },
    });
    if (stray.error !== undefined) throw stray.error;
    if (run.result !== undefined) deliver(run.result, { io, reportFile, wantsJson: flags["json"] === true });
    return concludeRun(run, log);
  } finally {
    stopListening();
  }
}

/** Repairs what earlier runs left, and tells of it. */
async function healLeftovers({ io }: CommandInput): Promise<number> {
  const repairs = await repairLeftovers(systemClock);
  const say = (line: string) => io.stdout.write(`${line}\n`);
  if (repairs.length === 0) say("No run has left anything to repair");
  for (const { runId, done, failures } of repairs) {
    say(`Run ${runId}: ${done.length === 0 ? "nothing was left of it" : "done"}`);
    for (const what of done) say(`  ✓ ${what}`);
    for (const failure of failures) say(`  ✗ ${failure}`);
  }
  return repairs.every(({ failures }) => failures.length === 0) ? EXIT.kept : EXIT.cleanUpFailed;
}

interface Delivery {
  readonly io: CommandIo;
  readonly reportFile: string | undefined;
  readonly wantsJson: boolean;
}

function deliver(result: OutageResult, { io, reportFile, wantsJson }: Delivery): void {
  io.stdout.write(wantsJson ? renderOutageJson(result) : renderOutageText(result));
  if (reportFile === undefined) return;
  try {
    writeFileSync(reportFile, renderOutageJson(result));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DebyError("CANNOT_RUN", `The report cannot be written: ${message}`, { cause: error });
  }
}

/** Tells what went wrong and returns the exit code; what was left behind outweighs all else. */
function concludeRun({ result, failure, isInterrupted, cleanUpFailures, serverLog }: OutageRun, log: Log): number {
  if (failure !== undefined || result?.report.verdict === "broken") {
    if (serverLog !== "") log.info("outage.server-log", `The end of the server's log:\n${serverLog}`);
  }
  for (const { what, reason } of cleanUpFailures) {
    log.error("outage.left-behind", `Could not remove ${what}: ${reason}`, { what, reason });
  }
  if (failure instanceof HealFailed) log.error("outage.heal-failed", failure.message);
  if (cleanUpFailures.length > 0 || failure instanceof HealFailed) return EXIT.cleanUpFailed;
  if (failure instanceof DebyError) throw failure;
  if (failure !== undefined) {
    const message = failure instanceof Error ? failure.message : String(failure);
    throw new DebyError("CANNOT_RUN", `The run failed: ${message}`, { cause: failure });
  }
  if (isInterrupted || result === undefined) return EXIT.interrupted;
  return result.report.verdict === "kept" ? EXIT.kept : EXIT.broken;
}
