import { type Clock, sleep } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { DebyError } from "../errors.ts";
import { DatabaseWatch } from "./database-watch.ts";
import { HealthWatch, type ServerAddress } from "./health-watch.ts";
import { Interrupted, type Interruption, throwIfInterrupted, unlessAborted } from "./interruption.ts";
import type { Moments, Observations } from "./observations.ts";
import type { Progress } from "./progress.ts";
import type { SeenLoad } from "./recovery.ts";
import type { Fault } from "./scenario.ts";
import { requireSteady, waitUntilSteady } from "./steady-state.ts";
import type { DatabaseEndpoint } from "./target.ts";
import { openUseProbe } from "./use-probe.ts";
import { UseWatch } from "./use-watch.ts";
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
  const { clock, interruption } = parts;
  const { signal } = interruption;
  await using load = new Load(settings, parts);
  parts.progress.phase("warm-up", load.description);
  await sleep(clock, settings.warmupMs, signal);
  if (signal.aborted) return await load.conclude(NO_FAULT);
  requireSteady(load.seen, load.startedAt, clock.now());
  await using watch = new DatabaseWatch(parts.database, clock);
  const broken = await breakDatabase(parts, watch);
  await keepBroken(broken.faultAt, settings, parts);
  const healed = await healDatabase({ settings, parts, watch, seen: load.seen });
  return await load.conclude({ ...broken, ...healed });
}

/** What an experiment needs that begins before its server does. */
export interface StartDownParts extends Omit<ExperimentParts, "server"> {
  /** Starts the server under test; resolves once it answers, in whatever way. */
  readonly startServer: () => Promise<ServerAddress>;
}

/**
 * Breaks the database first, starts the server on it, and goes on as any other experiment.
 * @throws as runExperiment(), and what starting the server throws
 */
export async function runStartDown(settings: ExperimentSettings, parts: StartDownParts): Promise<Observations> {
  const { clock, fault, progress } = parts;
  await using watch = new DatabaseWatch(parts.database, clock);
  const broken = await breakDatabase(parts, watch);
  let server: ServerAddress;
  try {
    server = await parts.startServer();
  } catch (error) {
    await heal(fault);
    throw error;
  }
  await using load = new Load(settings, { ...parts, server });
  progress.phase("outage", load.description);
  // What the server can notice begins with the server.
  const faultAt = load.startedAt;
  await keepBroken(faultAt, settings, parts);
  const healed = await healDatabase({ settings, parts, watch, seen: load.seen });
  return await load.conclude({ ...broken, faultAt, ...healed });
}

type FaultMoments = Omit<Moments, "loadAt" | "endedAt">;

const NO_FAULT: FaultMoments = {
  injectedAt: undefined,
  faultAt: undefined,
  healedAt: undefined,
  dbReadyAt: undefined,
};

/** The load on the server and the watch over its health, from the moment it is made. */
class Load implements AsyncDisposable {
  readonly workload: Workload;
  readonly description: string;
  readonly startedAt: number;
  readonly #health: HealthWatch;
  readonly #parts: ExperimentParts;
  readonly #requestTimeoutMs: number;

  constructor(settings: ExperimentSettings, parts: ExperimentParts) {
    const { ratePerSecond, writeShare, requestTimeoutMs } = settings;
    const { server, clock, random } = parts;
    const limitMs = requestTimeoutMs + HUNG_AFTER_MS;
    this.#parts = parts;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#health = new HealthWatch(server, clock);
    this.workload = new Workload({ server, clock, random, ratePerSecond, writeShare, limitMs });
    this.description = `${ratePerSecond} requests a second, ${Math.round(writeShare * 100)} % writes`;
    this.startedAt = clock.now();
    this.workload.start();
    parts.progress.watch?.({ ...this.seen, requestTimeoutMs });
  }

  get seen(): SeenLoad {
    return { entries: this.workload.entries, health: this.#health.sightings };
  }

  /** Lets what is under way end; after an interruption only shortly, and the rest is cut off. */
  async conclude(fault: FaultMoments): Promise<Observations> {
    const { clock, interruption } = this.#parts;
    const { signal, hurry } = interruption;
    const drained = this.workload.stop();
    await unlessAborted(drained, signal);
    if (signal.aborted) await Promise.race([drained, sleep(clock, INTERRUPTED_DRAIN_MS, hurry)]);
    const endedAt = clock.now();
    await this.workload[Symbol.asyncDispose]();
    return {
      moments: { loadAt: this.startedAt, ...fault, endedAt },
      entries: this.workload.entries,
      health: this.#health.sightings,
      requestTimeoutMs: this.#requestTimeoutMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workload[Symbol.asyncDispose]();
    await this.#health[Symbol.asyncDispose]();
  }
}

type FaultParts = Omit<ExperimentParts, "server">;

/** @throws DebyError CANNOT_RUN, healed, if the harm was not done */
async function breakDatabase(
  { clock, interruption, progress, fault }: FaultParts,
  watch: DatabaseWatch,
): Promise<{ injectedAt: number; faultAt: number }> {
  progress.phase("fault", "breaking the database");
  const { hurry } = interruption;
  const { injectedAt, contradiction, verifiedAt } = await injectAndVerify(fault, watch, { clock, hurry });
  const faultAt = fault.offersSessions ? verifiedAt : watch.firstFailure(injectedAt);
  if (contradiction === undefined && faultAt !== undefined) return { injectedAt, faultAt };
  progress.phase("recovery", "healing");
  await heal(fault);
  const why = contradiction ?? "the probe was answered all the time";
  throw new DebyError("CANNOT_RUN", `The fault could not be verified: ${why}`);
}

/**
 * Looks until nothing contradicts the fault, or the time for it is over and a probe has ended that began after it was
 * done: one that waits as long as the slow server of before would have needed may be what shows the fault.
 */
async function injectAndVerify(fault: Fault, watch: DatabaseWatch, options: { clock: Clock; hurry: AbortSignal }) {
  const { clock, hurry } = options;
  const injectedAt = clock.now();
  try {
    await fault.inject();
    const doneAt = clock.now();
    while (true) {
      const lookedAt = clock.now();
      const probe = watch.last(injectedAt);
      const contradiction = await fault.contradiction(probe);
      const verifiedAt = clock.now();
      const isOver = lookedAt > doneAt + VERIFY_LIMIT_MS && probe !== undefined && probe.startedAt >= doneAt;
      if (contradiction === undefined || isOver) return { injectedAt, contradiction, verifiedAt };
      await sleep(clock, VERIFY_EVERY_MS, hurry);
      throwIfInterrupted(hurry);
    }
  } catch (error) {
    // Half an injection is harm, too.
    if (!(error instanceof Interrupted)) await heal(fault);
    throw error;
  }
}

async function keepBroken(faultAt: number, { outageMs }: ExperimentSettings, parts: FaultParts): Promise<void> {
  const { clock, fault, progress, interruption } = parts;
  const howLong = fault.sustain === undefined ? `for ${outageMs / 1_000} s` : "on and off";
  progress.phase("outage", `verified; the database stays away ${howLong}`);
  if (fault.sustain === undefined) await sleep(clock, faultAt + outageMs - clock.now(), interruption.signal);
  else await fault.sustain(interruption.signal);
}

interface Healing {
  readonly settings: ExperimentSettings;
  readonly parts: FaultParts;
  readonly watch: DatabaseWatch;
  readonly seen: SeenLoad;
}

/** Heals, and waits until all is steady again. */
async function healDatabase({ settings, parts, watch, seen }: Healing) {
  const { clock, interruption, progress, fault } = parts;
  const { signal, hurry } = interruption;
  const healedAt = clock.now();
  watch.expectReturn();
  progress.phase("recovery", signal.aborted ? "interrupted: healing" : "healing");
  // The command that heals may return long after the database is of use again.
  await using uses = fault.offersSessions
    ? new UseWatch(openUseProbe(fault.provenBy ?? "login", parts.database), clock)
    : undefined;
  await heal(fault);
  const untilReady = uses?.untilUsable(hurry) ?? watch.untilReady(healedAt, hurry);
  const untilUnwatched = untilReady.then(() => watch[Symbol.asyncDispose]());
  await waitUntilSteady(seen, {
    clock,
    signal,
    healedAt,
    settleMs: settings.settleMs,
    steadyForMs: settings.steadyForMs,
    onBack: (ttrMs) => progress.phase("settling", `writes succeed again, ${Math.round(ttrMs)} ms after healing began`),
  });
  if (signal.aborted) await Promise.race([untilUnwatched, sleep(clock, INTERRUPTED_WAIT_MS, hurry)]);
  return { healedAt, dbReadyAt: uses === undefined ? watch.firstReady(healedAt) : uses.usableAt };
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
