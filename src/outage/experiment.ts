import { type Clock, sleep } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { DatabaseWatch } from "./database-watch.ts";
import { HealthWatch, type ServerAddress } from "./health-watch.ts";
import { Interrupted, type Interruption, unlessAborted } from "./interruption.ts";
import type { Moments, Observations } from "./observations.ts";
import type { Progress } from "./progress.ts";
import type { Fault } from "./scenario.ts";
import { requireSteady, waitUntilSteady } from "./steady-state.ts";
import type { DatabaseEndpoint } from "./target.ts";
import { Workload } from "./workload.ts";

/** The load and the three phases of a run. Durations in milliseconds. */
export interface ExperimentSettings {
  readonly warmupMs: number;
  readonly outageMs: number;
  readonly settleMs: number;
  readonly ratePerSecond: number;
  /** Part of the requests that write, in [0, 1]. */
  readonly writeShare: number;
  /** All must have been well for so long before the server counts as steady again. */
  readonly steadyForMs: number;
  /** The server's own deadline for a request. */
  readonly requestTimeoutMs: number;
}

export interface ExperimentParts {
  readonly server: ServerAddress;
  readonly database: DatabaseEndpoint;
  readonly fault: Fault;
  readonly clock: Clock;
  readonly random: Random;
  readonly interruption: Interruption;
  readonly progress: Progress;
}

/** Healing was tried and failed: the worst way for a run to end. */
export class HealFailed extends Error {
  override readonly name = "HealFailed";
}

/** A request that got no answer so long after the server's own deadline counts as hung. */
const HUNG_AFTER_MS = 5_000;
const VERIFY_LIMIT_MS = 3_000;
const VERIFY_EVERY_MS = 50;
/** Someone who interrupted still gets the comparison if the database is back within this. */
const INTERRUPTED_WAIT_MS = 3_000;
/** And this long for the requests that were held meanwhile. */
const INTERRUPTED_DRAIN_MS = 1_500;

/**
 * Loads the server, breaks its database, heals it, and waits until all is steady again. Interrupted, it heals at once
 * and returns what it saw so far.
 * @throws DebyError CANNOT_RUN if the server was not steady before, or the fault could not be verified; HealFailed;
 * Interrupted when it is told to hurry
 */
export async function runExperiment(settings: ExperimentSettings, parts: ExperimentParts): Promise<Observations> {
  const { clock, interruption, progress, server, random } = parts;
  const { ratePerSecond, writeShare, requestTimeoutMs } = settings;
  const { signal } = interruption;
  const limitMs = requestTimeoutMs + HUNG_AFTER_MS;
  await using health = new HealthWatch(server, clock);
  await using workload = new Workload({ server, clock, random, ratePerSecond, writeShare, limitMs });
  const loadAt = clock.now();
  workload.start();
  progress.watch?.({ entries: workload.entries, health: health.sightings, requestTimeoutMs });
  progress.phase("warm-up", `${ratePerSecond} requests a second, ${Math.round(writeShare * 100)} % writes`);
  await sleep(clock, settings.warmupMs, signal);

  let faultMoments = NO_FAULT;
  if (!signal.aborted) {
    requireSteady(workload.entries, loadAt, clock.now());
    faultMoments = await breakAndHeal(settings, parts, workload);
  }
  await drain(workload, parts);
  const endedAt = clock.now();
  await workload[Symbol.asyncDispose]();
  const moments = { loadAt, ...faultMoments, endedAt };
  return { moments, entries: workload.entries, health: health.sightings, requestTimeoutMs };
}

type FaultMoments = Omit<Moments, "loadAt" | "endedAt">;

const NO_FAULT: FaultMoments = {
  injectedAt: undefined,
  faultAt: undefined,
  healedAt: undefined,
  dbReadyAt: undefined,
};

async function breakAndHeal(
  settings: ExperimentSettings,
  parts: ExperimentParts,
  workload: Workload,
): Promise<FaultMoments> {
  const { clock, interruption, progress, fault, database } = parts;
  const { signal, hurry } = interruption;
  await using watch = new DatabaseWatch(database, clock);
  progress.phase("fault", "breaking the database");
  const injectedAt = clock.now();
  await fault.inject();
  const contradiction = await verify(fault, watch, { clock, hurry });
  const faultAt = watch.firstFailure(injectedAt);
  if (contradiction === undefined && faultAt !== undefined) {
    progress.phase("outage", `verified; the database stays away until ${settings.outageMs / 1_000} s are over`);
    await sleep(clock, faultAt + settings.outageMs - clock.now(), signal);
  }

  const healedAt = clock.now();
  const untilReady = watch.untilReady(healedAt, hurry).then(() => watch[Symbol.asyncDispose]());
  progress.phase("recovery", signal.aborted ? "interrupted: healing" : "healing");
  await heal(fault);
  if (contradiction !== undefined || faultAt === undefined) {
    const why = contradiction ?? "the probe was answered all the time";
    throw new DebyError("CANNOT_RUN", `The fault could not be verified: ${why}`);
  }
  await waitUntilSteady(workload, {
    clock,
    signal,
    healedAt,
    settleMs: settings.settleMs,
    steadyForMs: settings.steadyForMs,
    onBack: (ttrMs) => progress.phase("settling", `writes succeed again, ${Math.round(ttrMs)} ms after healing began`),
  });
  if (signal.aborted) await Promise.race([untilReady, sleep(clock, INTERRUPTED_WAIT_MS, hurry)]);
  return { injectedAt, faultAt, healedAt, dbReadyAt: watch.firstReady(healedAt) };
}

/** Waits for what is under way; after an interruption only shortly, and the rest is cut off. */
async function drain(workload: Workload, { clock, interruption }: ExperimentParts): Promise<void> {
  const { signal, hurry } = interruption;
  const drained = workload.stop();
  await unlessAborted(drained, signal);
  if (signal.aborted) await Promise.race([drained, sleep(clock, INTERRUPTED_DRAIN_MS, hurry)]);
}

async function heal(fault: Fault): Promise<void> {
  try {
    await fault.heal();
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new HealFailed(`The fault could not be healed: ${message}`, { cause: error });
  }
}

/** Looks until nothing contradicts the fault or the time for it is over. */
async function verify(fault: Fault, watch: DatabaseWatch, options: { clock: Clock; hurry: AbortSignal }) {
  const { clock, hurry } = options;
  const giveUpAt = clock.now() + VERIFY_LIMIT_MS;
  while (true) {
    const contradiction = await fault.contradiction(watch.lastResult());
    if (contradiction === undefined || clock.now() > giveUpAt) return contradiction;
    await sleep(clock, VERIFY_EVERY_MS, hurry);
  }
}
