import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { buildResult } from "../../../src/outage/build-result.ts";
import { type ExperimentSettings, runExperiment } from "../../../src/outage/experiment.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { readCanaryRows } from "../../../src/outage/ledger-check.ts";
import type { OutageResult } from "../../../src/outage/report-model.ts";
import type { Fault } from "../../../src/outage/scenario.ts";
import { netcut } from "../../../src/outage/scenarios/netcut.ts";
import { stop } from "../../../src/outage/scenarios/stop.ts";
import { parseSlo } from "../../../src/outage/slo.ts";
import type { Target } from "../../../src/outage/target.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Manner, startStandIn } from "./stand-in-server.ts";

const SETTINGS: ExperimentSettings = {
  warmupMs: 800,
  outageMs: 1_200,
  settleMs: 4_000,
  steadyForMs: 1_000,
  // Each request logs in anew at these servers.
  ratePerSecond: 20,
  writeShare: 0.5,
  requestTimeoutMs: 1_000,
};

/** As many writes as may be under way at once. */
const UNKNOWN = "unknown<=3";

function targetOf(postgres: PostgresServer): Target {
  const { host, port, user, database, password } = postgres;
  return {
    kind: "process",
    description: "a Postgres of the test",
    endpoint: { host, port, user, database, password: new Secret(password) },
    server: {
      stop: () => postgres.stop("fast"),
      kill: () => postgres.kill9(),
      freezer: undefined,
      demoter: undefined,
      start: () => postgres.start(),
      isRunning: () => Promise.resolve(postgres.isRunning),
    },
    sql: undefined,
    traffic: undefined,
    readLog: () => Promise.resolve(postgres.log),
  };
}

interface Attack {
  readonly manner?: Manner;
  readonly settings?: Partial<ExperimentSettings>;
  /** Changes the fault, for tests of what is not as it should be. */
  readonly spoil?: (fault: Fault) => Fault;
  /** Fires when the phase of this name begins. */
  readonly interruptAt?: string;
  readonly hurry?: AbortSignal;
}

async function attack({
  manner = "honest",
  settings,
  spoil = (fault) => fault,
  interruptAt,
  hurry = new AbortController().signal,
}: Attack = {}) {
  await using postgres = await startPostgres();
  const target = targetOf(postgres);
  await using server = await startStandIn(target.endpoint, manner);
  const fault = stop.bind(target);
  if (fault === undefined) throw new Error("The target cannot be stopped");
  const interrupt = new AbortController();
  const phases: string[] = [];
  const observations = await runExperiment(
    { ...SETTINGS, ...settings },
    {
      server,
      database: target.endpoint,
      fault: spoil(fault),
      clock: systemClock,
      random: seededRandom(1),
      interruption: { signal: interrupt.signal, hurry },
      progress: {
        phase(name) {
          phases.push(name);
          if (name === interruptAt) setTimeout(() => interrupt.abort(), 200);
        },
      },
    },
  );
  const result = buildResult({
    scenario: stop,
    target,
    startedAt: new Date(),
    seed: 1,
    settleMs: SETTINGS.settleMs,
    retryIntervalMs: 10_000,
    steadyForMs: SETTINGS.steadyForMs,
    // None of these servers is exactly-once: of what was under way when the database went it does not know.
    slos: [parseSlo(UNKNOWN)],
    observations,
    rows: await readCanaryRows(target.endpoint, new AbortController().signal),
    pool: { before: null, after: null },
    isInterrupted: interrupt.signal.aborted,
    serverEnding: undefined,
  });
  return { result, phases, isRunning: postgres.isRunning };
}

function brokenSlos({ report }: OutageResult): string[] {
  return report.slos.filter(({ kept }) => !kept).map(({ expression }) => expression);
}

/** Resolves once so many connections were made and have ended. */
function answered(proxy: FaultProxy, count: number): Promise<unknown> {
  return waitUntil("probes have been answered", () => proxy.accepted - proxy.connections.length >= count);
}

describe("runExperiment()", () => {
  test("keeps an honest server's run, with figures that fit together", async () => {
    const { result, phases } = await attack();
    const { report } = result;
    expect(brokenSlos(result)).toEqual([]);
    expect(report.verdict).toBe("kept");
    expect([...new Set(phases)]).toEqual(["warm-up", "fault", "outage", "recovery", "settling"]);
    const { ttdMs, dbReadyMs, ttrMs, appLagMs } = report.figures;
    expect(ttdMs).toBeLessThan(1_000);
    expect(dbReadyMs).toBeGreaterThan(0);
    expect(ttrMs).toBeLessThan(3_000);
    expect(Number(ttrMs) - Number(dbReadyMs)).toBeCloseTo(Number(appLagMs), 0);
    expect(report.writes).toMatchObject({ lost: 0, duplicated: 0 });
    expect(report.writes.acknowledged).toBeGreaterThan(10);
    expect(report.requests.failedFast).toBeGreaterThan(10);
    expect(Number(report.availability)).toBeLessThan(1);
  });

  test.each([
    ["forgets", ["lost==0", "steady<=4s"]],
    ["denies", ["appLag<2s", "duplicate==0", "steady<=4s"]],
    ["doubles", ["duplicate==0"]],
    ["echoes", ["duplicate==0"]],
    ["unconcerned", ["ttd<3s"]],
    ["hangs", ["hung==0", "steady<=4s"]],
    ["oversleeps", ["appLag<2s"]],
    ["falters", ["steady<=4s"]],
    ["stays alarmed", ["steady<=4s"]],
    ["crashes", ["appLag<2s", "steady<=4s"]],
    ["gives up", ["appLag<2s", "steady<=4s"]],
  ] as const)("catches a server that %s, by the objectives %j and no other", async (manner, expressions) => {
    const { result } = await attack({ manner });
    expect(result.report.verdict).toBe("broken");
    // One that hangs never tells.
    expect(brokenSlos(result).filter((expression) => expression !== UNKNOWN)).toEqual([...expressions]);
  });

  test("does not believe a fault that did not happen", async () => {
    const spoil = (fault: Fault): Fault => ({
      ...fault,
      inject: () => Promise.resolve(),
      heal: () => Promise.resolve(),
    });
    await expect(attack({ spoil })).rejects.toMatchObject({
      code: "CANNOT_RUN",
      message: expect.stringContaining("The fault could not be verified: the server still runs"),
    });
  });

  test("gives way to a second signal while nothing proves the fault yet", async () => {
    const hurry = new AbortController();
    const spoil = (fault: Fault): Fault => ({
      ...fault,
      inject: async () => hurry.abort(),
      contradiction: async () => "nobody looks at anything",
    });
    await expect(attack({ spoil, hurry: hurry.signal })).rejects.toMatchObject({ name: "Interrupted" });
  });

  test("believes the silence of a server that was slow to answer before", async () => {
    await using postgres = await startPostgres();
    const { endpoint } = targetOf(postgres);
    await using proxy = await FaultProxy.listen({ target: endpoint });
    await proxy.setNew({ kind: "latency", delayMs: 50 });
    await using server = await startStandIn(endpoint, "honest");
    const fault = netcut.bind({ ...targetOf(postgres), traffic: proxy });
    if (fault === undefined) throw new Error("The network cannot be cut");
    const { moments } = await runExperiment(SETTINGS, {
      server,
      database: { ...endpoint, port: proxy.port },
      fault: {
        ...fault,
        async inject() {
          // A probe is given ten times what the answer before it took: in the end longer than a fault is looked for.
          await answered(proxy, 5);
          await proxy.setNew({ kind: "latency", delayMs: 170 });
          await answered(proxy, 10);
          await fault.inject();
        },
      },
      clock: systemClock,
      random: seededRandom(1),
      interruption: { signal: new AbortController().signal, hurry: new AbortController().signal },
      progress: { phase: () => {} },
    });
    expect(Number(moments.faultAt) - Number(moments.injectedAt)).toBeGreaterThan(3_000);
  });

  test("tells apart that healing failed", async () => {
    const spoil = (fault: Fault): Fault => ({ ...fault, heal: () => Promise.reject(new Error("no space left")) });
    await expect(attack({ spoil })).rejects.toMatchObject({ name: "HealFailed" });
  });

  test.each([
    ["unsteady", "not steady before the fault"],
    ["alarmed", 'its health said "error"'],
  ] as const)("proves nothing with a server that is %s before the fault", async (manner, message) => {
    const spoil = (fault: Fault): Fault => ({
      ...fault,
      inject: () => Promise.reject(new Error("must not come to this")),
    });
    await expect(attack({ manner, spoil })).rejects.toMatchObject({
      code: "CANNOT_RUN",
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ["warm-up", { warmupMs: 60_000 }],
    ["outage", { outageMs: 60_000 }],
    ["recovery", {}],
    ["settling", {}],
  ] as const)("heals and reports what there is when interrupted in %s", async (interruptAt, settings) => {
    const { result, isRunning } = await attack({ interruptAt, settings });
    expect(isRunning).toBe(true);
    expect(result.report.verdict).toBe("interrupted");
    expect(result.report.writes).toMatchObject({ lost: 0, duplicated: 0 });
  });
});
