import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import { codedError } from "../core/within.ts";
import { DebyError, type ErrorCode } from "../errors.ts";
import type { DatabaseObserver, StandbyReadsChange } from "./events.ts";
import { codeForObserver } from "./lease.ts";
import type { StandbyStats } from "./pool-types.ts";
import { connectError } from "./sqlstate.ts";
import { StandbyLag } from "./standby-lag.ts";
import { runStatement, type StatementText } from "./statements.ts";
import { type System, type SystemDeps, startSystem } from "./system.ts";

/** Between two measurements of the lag at most, in milliseconds; a fourth of a shorter limit. */
const MEASURE_EVERY_MS = 1000;
/** The same while no standby is used. */
const START_EVERY_MS = 250;
/** What the primary may do better: the standby is away, has a conflict with its replay, or lags behind a migration. */
const STANDBY_MATTERS: readonly ErrorCode[] = [
  "DATABASE_UNAVAILABLE",
  "DATABASE_MISCONFIGURED",
  "POOL_EXHAUSTED",
  "READ_ONLY",
  "SERIALIZATION_FAILURE",
];

/**
 * What a server in recovery cannot do at all, such as read an unlogged table or tell where it writes; feature_not_supported
 * and object_not_in_prerequisite_state have other causes, too, which the primary then tells.
 */
const RECOVERY_MATTERS: readonly string[] = ["0A000", "55000"];

/** A read that gets no connection to the standby so soon is read from the primary. */
const ACQUIRE_LIMIT_MS = 250;
/** A standby that is away is nobody's outage: it is looked for at leisure. */
const LOOK_EVERY_MS = { least: 1000, most: 10_000 } as const;

/**
 * The connection system for the standby: one, since its lag is what is measured. Nobody is held there, and its operations
 * are told by whoever asks for them.
 */
export function startStandbySystem(target: DatabaseTarget, settings: PoolSettings, deps: SystemDeps): System {
  const { observer } = deps;
  const quiet = observer === undefined ? {} : { observer: unobservedOperations(observer) };
  const patient = {
    ...settings,
    acquireTimeoutMs: Math.min(settings.acquireTimeoutMs, ACQUIRE_LIMIT_MS),
    watchMinMs: Math.max(settings.watchMinMs, LOOK_EVERY_MS.least),
    watchMaxMs: Math.max(settings.watchMaxMs, LOOK_EVERY_MS.most),
  };
  const own = { canHold: false, keepsToOneServer: true };
  return startSystem({ ...target, targetSessionAttrs: "standby" }, patient, { ...deps, ...quiet, ...own });
}

function unobservedOperations(observer: DatabaseObserver): DatabaseObserver {
  return {
    connectionCreated: (durationMs) => observer.connectionCreated(durationMs),
    leaseAcquired: (waitMs) => observer.leaseAcquired(waitMs),
    leaseReleased: (useMs) => observer.leaseReleased(useMs),
    operationEnded() {},
  };
}

export interface StandbyReadsDeps {
  readonly clock: Clock;
  readonly primary: Pick<System, "lease" | "open" | "isOurs">;
  /** A connection system of its own, whose gate holds nobody, and which tells no observer of operations. */
  readonly standby: Pick<System, "lease" | "open" | "isOurs" | "monitor" | "stats" | "close">;
  /** A standby whose data may be older than this is not read from, in milliseconds. */
  readonly lagLimitMs: number;
  readonly onChange: (change: StandbyReadsChange) => void;
}

/**
 * Gives declared reads to a standby that is there and not too far behind, and to the primary where there is none. What
 * fails on the standby for a reason of its own is read from the primary.
 */
export class StandbyReads {
  readonly #deps: StandbyReadsDeps;
  readonly #lag: StandbyLag;
  readonly #stopped = new AbortController();
  #measuring: Promise<void> | undefined;
  #told: { readonly isUsed: boolean; readonly isApart: boolean } | undefined;
  #fallbacks = 0;

  constructor(deps: StandbyReadsDeps) {
    this.#deps = deps;
    this.#lag = new StandbyLag(deps, this.#stopped.signal);
  }

  /** Begins to measure the lag; before that, no standby is used. */
  start(): void {
    this.#measuring ??= this.#measure();
  }

  async read<R>(text: StatementText, getDeadline: (now: number) => Deadline): Promise<R[]> {
    const { clock, primary, standby } = this.#deps;
    if (!this.#isUsable) return await runStatement<R>(primary.lease, "read", text, getDeadline);
    const startedAt = clock.now();
    const deadline = getDeadline(startedAt);
    const { observer } = primary.lease;
    try {
      const rows = await runStatement<R>(standby.lease, "read", text, () => deadline);
      observer.operationEnded("read", clock.now() - startedAt, undefined);
      return rows;
    } catch (error) {
      if (!isStandbyMatter(error) || deadline.at <= clock.now()) {
        observer.operationEnded("read", clock.now() - startedAt, codeForObserver(error));
        throw error;
      }
      this.#fallbacks += 1;
      return await runStatement<R>(primary.lease, "read", text, () => deadline);
    }
  }

  stats(): StandbyStats {
    const { clock, standby } = this.#deps;
    const lagMs = this.#lag.lagMs(clock.now());
    return {
      ...standby.stats(),
      isUsed: this.#isUsable,
      lagMs: Number.isFinite(lagMs) ? Math.round(lagMs) : undefined,
      fallbacks: this.#fallbacks,
    };
  }

  drain(): void {
    this.#stopped.abort();
    this.#deps.standby.monitor.drain();
  }

  async close(options: { readonly graceMs: number }): Promise<void> {
    this.#stopped.abort();
    await Promise.all([this.#deps.standby.close(options), this.#measuring]);
    await this.#lag.hangUp();
  }

  get #isUsable(): boolean {
    const { clock, standby, lagLimitMs } = this.#deps;
    return standby.monitor.state.name === "up" && this.#lag.lagMs(clock.now()) <= lagLimitMs;
  }

  async #measure(): Promise<void> {
    const { clock, standby, lagLimitMs } = this.#deps;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (standby.monitor.state.name === "up" && (await this.#lag.measure()) === "promoted") {
        standby.monitor.trouble(connectError(codedError("MOVED", "the standby was promoted"), "the standby"));
        await this.#lag.hangUp();
      }
      this.#tell();
      const everyMs = this.#isUsable ? MEASURE_EVERY_MS : START_EVERY_MS;
      await sleep(clock, Math.min(everyMs, lagLimitMs / 4), signal);
    }
  }

  #tell(): void {
    const { clock, standby, onChange } = this.#deps;
    const [isUsed, { isApart }] = [this.#isUsable, this.#lag];
    const isStarting = this.#told === undefined && !isUsed && !isApart && !("reason" in standby.monitor.state);
    if (isStarting || (isUsed === this.#told?.isUsed && isApart === this.#told.isApart)) return;
    this.#told = { isUsed, isApart };
    const { address } = standby.monitor.server ?? {};
    onChange({ isUsed, address, state: standby.monitor.state, lagMs: this.#lag.lagMs(clock.now()), isApart });
  }
}

function isStandbyMatter(error: unknown): boolean {
  if (!(error instanceof DebyError)) return false;
  const { code, reason = "" } = error;
  // SQLSTATE class 42: what the statement names may not have arrived yet.
  return STANDBY_MATTERS.includes(code) || RECOVERY_MATTERS.includes(reason) || reason.startsWith("42");
}
