import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { seededRandom } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { buildResult } from "./build-result.ts";
import { type ExperimentSettings, runExperiment, runStartDown } from "./experiment.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import type { ServerAddress } from "./health-watch.ts";
import { Interrupted, type Interruption } from "./interruption.ts";
import { type JudgedServer, readyServer } from "./judged-server.ts";
import { chooseRows, readRowsAfter, requireTable } from "./ledger-check.ts";
import type { Observations } from "./observations.ts";
import { openJournal } from "./open-journal.ts";
import { readPool } from "./pool-figures.ts";
import { choosePossible } from "./possible.ts";
import { prepareFault } from "./prepare-fault.ts";
import type { OnStep, Progress } from "./progress.ts";
import { type Repair, repairLeftovers } from "./repair.ts";
import type { OutageResult } from "./report-model.ts";
import { type CleanUpFailure, ResourceStack } from "./resource-stack.ts";
import type { Scenario } from "./scenario.ts";
import type { Slo } from "./slo.ts";
import type { TargetKind, TargetName } from "./targets/choose.ts";
import { engineEnvironment } from "./targets/docker-cli.ts";
import { setStage, type TargetPlan } from "./targets/stage.ts";
import { thisMachine } from "./this-machine.ts";

export interface OutagePlan extends ExperimentSettings, TargetPlan {
  readonly scenario: Scenario;
  readonly target: TargetName;
  /** One that runs already, to be judged in place of a child of ours. */
  readonly server: ServerAddress | undefined;
  readonly seed: number;
  /** The server's own pause between its attempts. */
  readonly retryIntervalMs: number;
  /** Objectives in place of the scenario's own of the same figures. */
  readonly slos: readonly Slo[];
}

export interface OutageDeps {
  readonly clock: Clock;
  readonly interruption: Interruption;
  readonly progress: Progress;
  /** Tells runs of one machine apart: lower-case letters and digits. */
  readonly runId: string;
  /** The words that start the server under test; default: this very program. */
  readonly serveCommand?: readonly string[];
}

/** How a run ended. Whatever happened, what it made is gone, except for what `cleanUpFailures` names. */
export interface OutageRun {
  /** Undefined if it did not come to any figures. */
  readonly result: OutageResult | undefined;
  /** Why it could not be seen to its end; undefined after an interruption too. */
  readonly failure: unknown;
  readonly isInterrupted: boolean;
  readonly cleanUpFailures: readonly CleanUpFailure[];
  /** The end of the server's log. */
  readonly serverLog: string;
}

/** Runs one scenario from nothing to the report, and leaves nothing behind. Never rejects. */
export async function runOutage(plan: OutagePlan, deps: OutageDeps): Promise<OutageRun> {
  const resources = new ResourceStack(deps.clock);
  const outcome: { result?: OutageResult; failure?: unknown; serverLog: string } = { serverLog: "" };
  try {
    await perform(plan, deps, { resources, outcome });
  } catch (error) {
    if (!(error instanceof Interrupted)) outcome.failure = error;
  } finally {
    if (!resources.isEmpty) deps.progress.phase("clean-up", "removing everything that this run made");
    await resources[Symbol.asyncDispose]();
  }
  return {
    result: outcome.result,
    failure: outcome.failure,
    isInterrupted: deps.interruption.signal.aborted,
    cleanUpFailures: resources.failures,
    serverLog: outcome.serverLog,
  };
}

/** Whose commands speak to a Docker engine. */
const DOCKER_KINDS: ReadonlySet<TargetKind> = new Set(["docker", "container", "compose"]);

interface Run {
  readonly resources: ResourceStack;
  readonly outcome: { result?: OutageResult; serverLog: string };
}

async function perform(plan: OutagePlan, deps: OutageDeps, { resources, outcome }: Run): Promise<void> {
  const { clock, interruption, progress, runId } = deps;
  const onStep: OnStep = (step, part) =>
    part === undefined ? progress.phase("prepare", step) : progress.advance?.(step, part);
  const startedAt = clock.date();

  const { signal } = interruption;
  const { scenario, requestTimeoutMs, retryIntervalMs } = plan;
  const kind = await choosePossible(plan, { signal, onStep });
  for (const leftover of await repairLeftovers(clock)) tellRepair(leftover, onStep);
  const own = deps.serveCommand === undefined ? {} : { command: deps.serveCommand };
  const shared = { runId, clock, resources, interruption, onStep, ...own };
  const { undo, open } = await setStage(kind, plan, shared);
  const folder = join(tmpdir(), `deby-outage-${runId}-serve`);
  const journal = await openJournal(
    {
      ...{ runId, pid: process.pid, startedAt: startedAt.toISOString(), scenario: scenario.name, target: kind },
      ...{ ...undo, folders: [...undo.folders, folder], machine: thisMachine() },
      environment: DOCKER_KINDS.has(kind) ? await engineEnvironment(signal) : {},
    },
    shared,
  );

  const target = await open();
  onStep(target.description);
  if (target.isForeign) await journal.note({ restore: (await scenario.undo?.(target)) ?? [] });
  const { route, fault } = await prepareFault(scenario, target, resources);
  const choose = await chooseRows(target, signal);
  let server: JudgedServer | undefined;
  const startServer = async (isDatabaseDown: boolean): Promise<JudgedServer> => {
    server = await readyServer(plan.server, {
      ...{ ...shared, requestTimeoutMs, retryIntervalMs, isDatabaseDown, endpoint: route, folder },
      onStart: (words) => journal.note({ processes: [...undo.processes, words] }),
    });
    return server;
  };

  try {
    const random = seededRandom(plan.seed);
    const database = { ...route, ...(target.asks === undefined ? {} : { asks: target.asks }) };
    const parts = { database, fault, clock, random, interruption, progress };
    const settings = { ...plan, outageMs: scenario.outageMs ?? plan.outageMs };
    let poolBefore: unknown = null;
    let observations: Observations;
    if (scenario.startsDown) {
      observations = await runStartDown(settings, { ...parts, startServer: () => startServer(true) });
    } else {
      const started = await startServer(false);
      if (plan.server !== undefined) {
        if (target.traffic !== undefined) requirePassage(target.traffic, plan.server);
        await requireTable(target.endpoint, { server: plan.server, clock, signal });
      }
      poolBefore = await readPool(started, clock);
      observations = await runExperiment(settings, { ...parts, server: started });
    }
    const poolAfter = server === undefined ? null : await readPool(server, clock);
    progress.phase("compare", "reading the table");
    const table = await readRowsAfter(target.endpoint, interruption.hurry);
    outcome.result = buildResult({
      scenario,
      target,
      startedAt,
      seed: plan.seed,
      settleMs: plan.settleMs,
      retryIntervalMs,
      steadyForMs: plan.steadyForMs,
      slos: plan.slos,
      observations,
      ...(table.rows === undefined ? table : { rows: choose(table.rows, observations.entries) }),
      pool: { before: poolBefore, after: poolAfter },
      isInterrupted: signal.aborted,
      serverEnding: server?.ending(),
    });
  } finally {
    outcome.serverLog = server?.logTail() ?? "";
  }
}

/** A server that runs already has just been asked for its canary: what it did for it came by the proxy, or it never does. */
function requirePassage({ accepted, host, port }: FaultProxy, server: ServerAddress): void {
  if (accepted > 0) return;
  throw new DebyError(
    "CANNOT_RUN",
    `The server on ${server.host}:${server.port} does not go through the proxy, so the fault would not meet it: ` +
      `its database has to be ${host}:${port}`,
  );
}

function tellRepair({ runId, done, failures }: Repair, onStep: OnStep): void {
  onStep(`repaired what the run ${runId} left: ${done.join("; ") || "nothing was left of it"}`);
  for (const failure of failures) onStep(`could not repair what the run ${runId} left: ${failure}`);
}
