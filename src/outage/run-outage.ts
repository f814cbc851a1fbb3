import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { seededRandom } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { buildResult } from "./build-result.ts";
import { type ExperimentSettings, runExperiment, runStartDown } from "./experiment.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { Interrupted, type Interruption } from "./interruption.ts";
import { type Journal, type JournalEntry, writeJournal } from "./journal.ts";
import { readCanaryRows } from "./ledger-check.ts";
import type { Observations } from "./observations.ts";
import { readPool } from "./pool-figures.ts";
import type { Progress } from "./progress.ts";
import { type Repair, repairLeftovers } from "./repair.ts";
import type { OutageResult } from "./report-model.ts";
import { type CleanUpFailure, ResourceStack } from "./resource-stack.ts";
import type { Scenario } from "./scenario.ts";
import { requirePossible } from "./scenarios/all.ts";
import { type ServeChild, startServeChild } from "./serve-child.ts";
import type { Slo } from "./slo.ts";
import type { DatabaseEndpoint, Target } from "./target.ts";
import { chooseTarget, powersOf, type TargetName } from "./targets/choose.ts";
import { dockerUndo, startDockerTarget } from "./targets/docker.ts";
import { embeddedUndo, startEmbeddedTarget } from "./targets/embedded.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

export interface OutagePlan extends ExperimentSettings {
  readonly scenario: Scenario;
  readonly target: TargetName;
  /** Of the target docker. */
  readonly image: string;
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
    deps.progress.phase("clean-up", "removing everything that this run made");
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

interface Run {
  readonly resources: ResourceStack;
  readonly outcome: { result?: OutageResult; serverLog: string };
}

async function perform(plan: OutagePlan, deps: OutageDeps, { resources, outcome }: Run): Promise<void> {
  const { clock, interruption, progress, runId } = deps;
  const onStep = (step: string): void => progress.phase("prepare", step);
  const startedAt = clock.date();

  const { signal } = interruption;
  const { image, scenario } = plan;
  const kind = await chooseTarget(plan.target, { image, signal, onStep });
  requirePossible(scenario, kind, powersOf(kind));
  for (const leftover of await repairLeftovers(clock)) tellRepair(leftover, onStep);
  const { serveCommand: command } = deps;
  const own = command === undefined ? {} : { command };
  const folder = join(tmpdir(), `deby-outage-${runId}-serve`);
  const undo = kind === "docker" ? dockerUndo(runId) : embeddedUndo(runId);
  const journal = await openJournal(
    {
      ...{ runId, pid: process.pid, startedAt: startedAt.toISOString(), scenario: scenario.name, target: kind },
      ...{ ...undo, folders: [...undo.folders, folder] },
    },
    { clock, resources, ...own },
  );

  const shared = { runId, clock, resources, interruption, onStep };
  const target =
    kind === "docker"
      ? await startDockerTarget({ ...shared, image })
      : await startEmbeddedTarget({ ...shared, ...own });
  const { route, fault } = await prepareFault(scenario, target, resources);
  let server: ServeChild | undefined;
  const startServer = async (isDatabaseDown: boolean): Promise<ServeChild> => {
    onStep("starting deby serve on it");
    const { requestTimeoutMs } = plan;
    server = await startServeChild({
      ...{ clock, resources, interruption, requestTimeoutMs, isDatabaseDown, endpoint: route, folder },
      ...own,
      onStart: (words) => journal.note({ processes: [...undo.processes, words] }),
    });
    onStep(`deby serve answers on http://${server.host}:${server.port} (pid ${server.pid})`);
    return server;
  };

  try {
    const random = seededRandom(plan.seed);
    const parts = { database: route, fault, clock, random, interruption, progress };
    const settings = { ...plan, outageMs: scenario.outageMs ?? plan.outageMs };
    let poolBefore: unknown = null;
    let observations: Observations;
    if (scenario.startsDown) {
      observations = await runStartDown(settings, { ...parts, startServer: () => startServer(true) });
    } else {
      const started = await startServer(false);
      poolBefore = await readPool(started, clock);
      observations = await runExperiment(settings, { ...parts, server: started });
    }
    const poolAfter = server === undefined ? null : await readPool(server, clock);
    progress.phase("compare", "reading the table");
    outcome.result = buildResult({
      scenario: { ...scenario, slos: scenario.slosFor?.(plan) ?? scenario.slos },
      target,
      startedAt,
      seed: plan.seed,
      settleMs: plan.settleMs,
      steadyForMs: plan.steadyForMs,
      slos: plan.slos,
      observations,
      rows: await readRows(target, interruption),
      pool: { before: poolBefore, after: poolAfter },
      isInterrupted: signal.aborted,
      serverEnding: server?.ending(),
    });
  } finally {
    outcome.serverLog = server?.logTail() ?? "";
  }
}

/** Writes the note, and sets the watchdog on it: from here on, whatever happens to this process is undone. */
async function openJournal(
  entry: JournalEntry,
  { clock, resources, command }: { clock: Clock; resources: ResourceStack; command?: readonly string[] },
): Promise<Journal> {
  const dog: { watchdog?: Watchdog } = {};
  // Removed last: it watches until there is nothing left to heal.
  resources.add({ what: "the watchdog", limitMs: 10_000, remove: async () => await dog.watchdog?.dismiss() });
  const journal = await writeJournal(entry);
  resources.add({
    what: "the note about this run",
    limitMs: 5_000,
    // What could not be removed is still to be found by it.
    remove: async () => (resources.failures.length === 0 ? await journal.erase() : undefined),
  });
  dog.watchdog = await startWatchdog(journal.path, { clock, ...(command === undefined ? {} : { command }) });
  return journal;
}

function tellRepair({ runId, done, failures }: Repair, onStep: (step: string) => void): void {
  onStep(`repaired what the run ${runId} left: ${done.join("; ") || "nothing was left of it"}`);
  for (const failure of failures) onStep(`could not repair what the run ${runId} left: ${failure}`);
}

/** Binds the fault to the target, behind a proxy where it is done to the traffic. */
async function prepareFault(scenario: Scenario, target: Target, resources: ResourceStack) {
  const needsProxy =
    target.traffic === undefined && scenario.needs.every((power) => power === "traffic" || power === "delay");
  const traffic = needsProxy ? await startProxy(target.endpoint, resources) : target.traffic;
  const fault = scenario.bind({ ...target, traffic });
  if (fault === undefined) {
    throw new DebyError("USAGE", `The target ${target.kind} cannot do the scenario ${scenario.name}`);
  }
  const { host, port } = traffic ?? target.endpoint;
  return { fault, route: { ...target.endpoint, host, port } };
}

async function startProxy({ host, port }: DatabaseEndpoint, resources: ResourceStack): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen({ target: { host, port } });
  resources.add({ what: `the proxy on port ${proxy.port}`, limitMs: 5_000, remove: () => proxy.close() });
  return proxy;
}

/** @returns undefined after an interruption if the table cannot be read; @throws DebyError CANNOT_RUN otherwise */
async function readRows({ endpoint }: Target, { signal, hurry }: Interruption) {
  try {
    return await readCanaryRows(endpoint, hurry);
  } catch (error) {
    if (signal.aborted) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    throw new DebyError("CANNOT_RUN", `The table cannot be compared with the answers: ${message}`, { cause: error });
  }
}
