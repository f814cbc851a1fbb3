import { type Clock, sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import { codedError } from "../core/within.ts";
import { DebyError, type ErrorCode } from "../errors.ts";
import type { StandbyReadsChange } from "./events.ts";
import { acquire, type LeaseDeps, release } from "./lease.ts";
import type { StandbyStats } from "./pool-types.ts";
import { ReplicaLag } from "./replica-lag.ts";
import { connectError } from "./sqlstate.ts";
import { runStatement, type StatementText } from "./statements.ts";
import type { System } from "./system.ts";

/** Between two measurements of the lag at most, in milliseconds; a fourth of a shorter limit. */
const MEASURE_EVERY_MS = 1000;
/** The same while no standby is used. */
const START_EVERY_MS = 250;
/** For one question of a measurement, in milliseconds. */
const ASK_LIMIT_MS = 1000;

const PRIMARY_POSITION = "select (pg_current_wal_lsn() - '0/0')::text as position";
const STANDBY_POSITION = `select (pg_last_wal_replay_lsn() - '0/0')::text as position, pg_is_in_recovery() as "isStandby"`;

/** What the primary may do better: the standby is away, has a conflict with its replay, or lags behind a migration. */
const STANDBY_MATTERS: readonly ErrorCode[] = [
  "DATABASE_UNAVAILABLE",
  "DATABASE_MISCONFIGURED",
  "POOL_EXHAUSTED",
  "READ_ONLY",
  "SERIALIZATION_FAILURE",
];

export interface StandbyReadsDeps {
  readonly clock: Clock;
  readonly primary: LeaseDeps;
  /** A connection system of its own, whose gate holds nobody. */
  readonly standby: Pick<System, "lease" | "monitor" | "stats" | "close">;
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
  readonly #lag = new ReplicaLag();
  readonly #stopped = new AbortController();
  #measuring: Promise<void> | undefined;
  #wasUsed = false;
  #fallbacks = 0;

  constructor(deps: StandbyReadsDeps) {
    this.#deps = deps;
  }

  /** Begins to measure the lag; before that, no standby is used. */
  start(): void {
    this.#measuring ??= this.#measure();
  }

  async read<R>(text: StatementText, getDeadline: (now: number) => Deadline): Promise<R[]> {
    const { clock, primary, standby } = this.#deps;
    if (!this.#isUsable) return await runStatement<R>(primary, "read", text, getDeadline);
    const deadline = getDeadline(clock.now());
    try {
      return await runStatement<R>(standby.lease, "read", text, () => deadline);
    } catch (error) {
      if (!isStandbyMatter(error)) throw error;
      this.#fallbacks += 1;
      return await runStatement<R>(primary, "read", text, () => deadline);
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
    await this.#deps.standby.close(options);
    await this.#measuring;
  }

  get #isUsable(): boolean {
    const { clock, standby, lagLimitMs } = this.#deps;
    return standby.monitor.state.name === "up" && this.#lag.lagMs(clock.now()) <= lagLimitMs;
  }

  async #measure(): Promise<void> {
    const { clock, standby, lagLimitMs } = this.#deps;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (standby.monitor.state.name === "up") await this.#measureOnce();
      this.#tell();
      const everyMs = this.#isUsable ? MEASURE_EVERY_MS : START_EVERY_MS;
      await sleep(clock, Math.min(everyMs, lagLimitMs / 4), signal);
    }
  }

  async #measureOnce(): Promise<void> {
    const { clock, primary, standby } = this.#deps;
    const at = clock.now();
    const [ours, theirs] = await Promise.all([
      this.#ask(primary, PRIMARY_POSITION).catch(() => undefined),
      this.#ask(standby.lease, STANDBY_POSITION).catch(() => undefined),
    ]);
    if (ours?.position) this.#lag.notePrimary(at, BigInt(ours.position));
    if (theirs?.isStandby === false) {
      this.#lag.reset();
      standby.monitor.trouble(connectError(codedError("MOVED", "the standby was promoted"), "the standby"));
    } else if (theirs?.position) {
      this.#lag.noteStandby(BigInt(theirs.position));
    }
  }

  async #ask(lease: LeaseDeps, text: string): Promise<Position | undefined> {
    const deadlineAt = this.#deps.clock.now() + ASK_LIMIT_MS;
    const connection = await acquire(lease, "read", { at: deadlineAt, signal: this.#stopped.signal });
    try {
      const { rows } = await connection.control<Position>(text, deadlineAt);
      return rows[0];
    } finally {
      release(lease, connection);
    }
  }

  #tell(): void {
    const isUsed = this.#isUsable;
    if (isUsed === this.#wasUsed) return;
    this.#wasUsed = isUsed;
    const { clock, standby, onChange } = this.#deps;
    const { address } = standby.monitor.server ?? {};
    onChange({ isUsed, address, state: standby.monitor.state, lagMs: this.#lag.lagMs(clock.now()) });
  }
}

interface Position {
  readonly position: string | null;
  readonly isStandby?: boolean;
}

/** SQLSTATE class 42: what the statement names may not have arrived yet. */
function isStandbyMatter(error: unknown): boolean {
  if (!(error instanceof DebyError)) return false;
  return STANDBY_MATTERS.includes(error.code) || error.reason?.startsWith("42") === true;
}
