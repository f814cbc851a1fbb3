import { redact } from "../config/redact.ts";
import { systemClock } from "../core/clock.ts";
import { systemRandom } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { describePlan } from "../outage/describe-plan.ts";
import { InterruptionSource } from "../outage/interruption.ts";
import { journalFolders } from "../outage/journal.ts";
import { requirePlannable } from "../outage/possible.ts";
import { repairLeftovers } from "../outage/repair.ts";
import { makeRunId } from "../outage/run-id.ts";
import { type OutagePlan, runOutage } from "../outage/run-outage.ts";
import { planSeries, runSeries } from "../outage/run-series.ts";
import { parseServerUrl } from "../outage/running-server.ts";
import type { Scenario } from "../outage/scenario.ts";
import { SCENARIOS } from "../outage/scenarios/all.ts";
import { TARGET_NAMES, type TargetName } from "../outage/targets/choose.ts";
import type { Command, CommandInput } from "./command.ts";
import { databaseFlags, settingFlags } from "./flags.ts";
import { LiveLine } from "./live-line.ts";
import { createCommandLog, loadCommandConfig } from "./load-config.ts";
import { concludeRuns, concludeSeries, EXIT, tellRun } from "./outage-conclusion.ts";
import { requireConsent } from "./outage-consent.ts";
import { readRunFlags, readScenarioFlag, readServerApplications, readSloFlag, runFlags } from "./outage-flags.ts";
import { OutageProgress } from "./outage-progress.ts";
import { deliverReports, readReportFlag } from "./outage-reports.ts";
import { StrayErrors } from "./outage-stray.ts";

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
    "server-application": {
      type: "string",
      valueHint: "name",
      description:
        "application_name of that server's sessions, which are no others'; may be given again (default deby,deby-probe)",
    },
    confirm: { type: "string", valueHint: "name", description: "allows to break what deby did not make, by its name" },
    scenario: {
      type: "string",
      valueHint: "name",
      description: "what goes wrong, several with commas; list shows them, all runs them (default stop)",
    },
    ...runFlags(),
    yes: { type: "boolean", description: "breaks what deby did not make without asking at the terminal first" },
    slo: {
      type: "string",
      valueHint: "objective",
      description: "an objective such as 'ttr<2s', in place of the scenario's own of that figure; may be given again",
    },
    report: {
      type: "string",
      valueHint: "format=file",
      description: "writes the report to files as well: json=F,md=F,html=F,junit=F",
    },
    plan: { type: "boolean", description: "says what would happen, and does nothing" },
    json: { type: "boolean", description: "the report as JSON on stdout, and nothing else there" },
    ...databaseFlags(),
    ...settingFlags("simulate-outage"),
  },
  repeatable: ["slo", "report", "server-application"],
  examples: [
    "deby simulate-outage",
    "deby simulate-outage --target embedded --scenario kill",
    "deby simulate-outage --image postgres:16 --outage 30s --rate 200",
    "deby simulate-outage --scenario all --repeat 3 --slo 'appLag<=300ms'",
    "deby simulate-outage --scenario list",
    "deby simulate-outage --report html=report.html,junit=report.xml",
    "deby simulate-outage --container db --confirm db --plan",
    "deby simulate-outage --target proxy --proxy-port 6432 --scenario netcut --server http://127.0.0.1:5000",
    "deby simulate-outage heal",
  ],
  async run(input) {
    const { flags, io } = input;
    if (flags["action"] === "heal") return await healLeftovers(input);
    if (flags["action"] !== undefined) {
      throw new DebyError(
        "USAGE",
        `simulate-outage knows the word heal only, received "${redact(String(flags["action"]))}"`,
      );
    }
    if (flags["scenario"] === "list") {
      io.stdout.write(SCENARIOS.map((scenario) => `${scenario.name.padEnd(20)}${scenario.summary}\n`).join(""));
      return 0;
    }
    return await simulate(input, readScenarioFlag(flags));
  },
};

async function simulate({ flags, io }: CommandInput, scenarios: readonly Scenario[]): Promise<number> {
  const values = readRunFlags(flags);
  const slos = readSloFlag(flags);
  const files = readReportFlag(flags);
  const { config, settings } = loadCommandConfig({ flags, io });
  const line = new LiveLine(io, { isPretty: config.serve.logFormat === "pretty" });
  const log = createCommandLog(config.serve, { ...io, stderr: line });
  if (io.env["NODE_ENV"] === "production") {
    throw new DebyError("USAGE", "Refused, since NODE_ENV is production: an outage is not simulated there");
  }

  const shared: Omit<OutagePlan, "scenario" | "seed"> = {
    // Checked with the other arguments.
    target: (flags["target"] ?? "auto") as TargetName,
    image: settings.image,
    container: flags["container"]?.toString(),
    service: flags["service"]?.toString(),
    proxyPort: values.proxyPort,
    confirm: flags["confirm"]?.toString(),
    server: flags["server"] === undefined ? undefined : parseServerUrl(flags["server"].toString()),
    serverApplications: readServerApplications(flags),
    database: config.database,
    outageMs: values.outage,
    warmupMs: values.warmup,
    settleMs: values.settle,
    steadyForMs: STEADY_FOR_MS,
    ratePerSecond: values.rate,
    writeShare: values.writes,
    requestTimeoutMs: config.pool.requestTimeoutMs,
    retryIntervalMs: config.pool.retryIntervalMs,
    slos,
  };
  const seed = values.seed ?? Math.floor(systemRandom() * 1_000_000_000);
  const plans = planSeries(scenarios, { repeat: values.repeat, seed }).map((own) => ({ ...shared, ...own }));
  const isSeries = plans.length > 1;
  if (flags["plan"] === true) {
    io.stdout.write(plans.map((plan) => `${foresee(plan, isSeries).join("\n")}\n`).join("\n"));
    return 0;
  }
  await requireConsent(plans, { io, isGiven: flags["yes"] === true });

  const interruption = new InterruptionSource();
  const stray = new StrayErrors(interruption);
  io.onStrayError((error) => stray.take(error));
  const stopListening = io.onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (signal) => {
    const what = interruption.signal.aborted
      ? "removing everything at once"
      : "healing and cleaning up; again to hurry";
    log.warn("outage.interrupted", `${signal} received: ${what}`, { signal });
    interruption.request();
  });
  using progress = new OutageProgress({ log, line, clock: systemClock });
  try {
    const { reports, runs } = await runSeries(plans, {
      run: (plan) => runOutage(plan, { clock: systemClock, interruption, runId: makeRunId(), progress }),
      onStart: ({ scenario }, index) =>
        isSeries && log.info("outage.run", `Run ${index + 1} of ${plans.length}: ${scenario.name}`),
      onEnd: (run) => isSeries && tellRun(run, log),
    });
    return stray.conclude(log, () => {
      let undelivered: unknown;
      try {
        deliverReports({ runs: reports, isSeries }, { io, files, wantsJson: flags["json"] === true });
      } catch (error) {
        undelivered = error;
      }
      const exitCode = isSeries ? concludeSeries({ reports, runs }, log) : concludeRuns(runs, log);
      // What the run itself came to outweighs it, unless all was well.
      if (undelivered === undefined) return exitCode;
      if (exitCode === 0) throw undelivered;
      log.error("outage.undelivered", undelivered instanceof Error ? undelivered.message : String(undelivered));
      return exitCode;
    });
  } finally {
    stopListening();
  }
}

/** Of several runs one that is bound to be refused does not keep the others from being told. @throws DebyError USAGE */
function foresee(plan: OutagePlan, isSeries: boolean): string[] {
  try {
    requirePlannable(plan);
    return describePlan(plan);
  } catch (error) {
    if (!isSeries || !(error instanceof DebyError)) throw error;
    return [`Scenario    ${plan.scenario.name}: will not be run`, `Reason      ${error.message}`];
  }
}

/** Repairs what earlier runs left, and tells of it. */
async function healLeftovers({ io }: CommandInput): Promise<number> {
  const repairs = await repairLeftovers(systemClock);
  const say = (line: string) => io.stdout.write(`${line}\n`);
  if (repairs.length === 0)
    say(`No run has left anything to repair: there is no note in ${journalFolders().join(" or ")}`);
  for (const { runId, done, failures, keptNote } of repairs) {
    say(`Run ${runId}: ${done.length === 0 ? "nothing was left of it" : "done"}`);
    for (const what of done) say(`  ✓ ${what}`);
    for (const failure of failures) say(`  ✗ ${failure}`);
    if (keptNote !== undefined) say(`  The note is kept. If there is nothing to undo any more, remove ${keptNote}`);
  }
  return repairs.every(({ failures }) => failures.length === 0) ? EXIT.kept : EXIT.cleanUpFailed;
}
