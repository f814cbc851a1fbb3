import type { Clock } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";
import { isWaiting, readOnlySince } from "./circuit.ts";
import type { CircuitState, Recovery } from "./events.ts";
import type { Pool } from "./pool.ts";
import type { DatabaseStats, PooledConnection, PoolMode } from "./pool-types.ts";
import type { StatementKind } from "./retry.ts";
import { describeReason } from "./sqlstate.ts";
import { shuttingDown, Waiters } from "./waiters.ts";

const READ_ONLY_RETRY_MS = 1000;
/** A failover is over by then, or somebody has to do something. */
const WRITES_HELD_MS = 20_000;
const QUEUE_FULL_RETRY_MS = 1000;
const UNDECIDED_RETRY_MS = 1000;

/**
 * Why a request cannot be served now nor be held; undefined when it may go on or wait.
 * Held: starting, suspect, reconnecting, and writes in the first 20 s of read-only. Sent away: down, blocked, draining,
 * closed, and writes after those 20 s.
 */
export function refusal(state: CircuitState, now: number, kind: StatementKind): DebyError | undefined {
  switch (state.name) {
    case "up":
    case "suspect":
    case "starting":
    case "reconnecting":
      return undefined;
    case "read-only":
      return kind === "write" && now >= state.since + WRITES_HELD_MS ? readOnly() : undefined;
    case "down":
    case "blocked":
      return unavailable(state, now);
    case "draining":
      // Requests that were let in before may finish what they began, as long as the database is there.
      if (state.last === "up" || state.last === "read-only") return undefined;
      return shuttingDown();
    case "closed":
      return shuttingDown();
    default:
      return state satisfies never;
  }
}

function readOnly(): DebyError {
  return new DebyError("READ_ONLY", "The server accepts no writes at the moment", { retryAfterMs: READ_ONLY_RETRY_MS });
}

/** The error for a request that cannot wait any longer; it promises no more than the next counted attempt or verdict. */
function unavailable(state: CircuitState, now: number): DebyError {
  const code = state.name === "blocked" ? "DATABASE_MISCONFIGURED" : "DATABASE_UNAVAILABLE";
  const reason = "reason" in state ? state.reason : undefined;
  const why = reason ? `: ${describeReason(reason)}` : "";
  return new DebyError(code, `The database is not usable (${state.name})${why}`, {
    retryAfterMs: isWaiting(state) ? Math.max(0, state.nextAttemptAt - now) : UNDECIDED_RETRY_MS,
    ...(reason ? { reason: reason.code } : {}),
  });
}

function modeFor(state: CircuitState): PoolMode {
  switch (state.name) {
    case "up":
      return state.reason === undefined ? "running" : "not-opening";
    case "read-only":
    case "draining":
      return "running";
    case "suspect":
      return "proving";
    default:
      return "paused";
  }
}

/** Whether whoever waits does so for a database that is not there. */
function isAway({ name }: CircuitState): boolean {
  return name === "starting" || name === "reconnecting";
}

export interface GateDeps {
  readonly clock: Clock;
  readonly sweep: DeadlineSweep;
  readonly maxWaiters: number;
  readonly state: () => CircuitState;
  /** Whether requests wait for a database that is not usable; otherwise they are sent away at once. */
  readonly canHold: boolean;
  readonly pool: Pick<Pool<PooledConnection>, "setMode" | "startGeneration" | "rejectWaiters" | "figures" | "waiting">;
}

export type GateStats = Pick<DatabaseStats, "held" | "shed" | "acquireTimeouts" | "waiting">;

/** Holds, admits and sends away requests by the circuit's state, and keeps the pool in step with it. */
export class Gate {
  readonly #deps: GateDeps;
  /** Writes that wait for a server that takes them; all others wait in the pool's queue. */
  readonly #writes: Waiters<void>;
  /** Those who met trouble, and want to know what it was before they go on. */
  readonly #undecided: Waiters<void>;
  #held = 0;
  #failed = 0;
  #shed = 0;
  #acquireTimeouts = 0;

  constructor(deps: GateDeps) {
    this.#deps = deps;
    this.#writes = new Waiters(deps.sweep, readOnly);
    this.#undecided = new Waiters(deps.sweep, () => this.expired());
  }

  /**
   * Returns when the request may take a connection or wait for one; a promise where it is held before that.
   * Throws what `refusal` says, and READ_ONLY for a write that was held in vain.
   */
  admit(kind: StatementKind, deadline: Deadline): Promise<void> | undefined {
    const state = this.#deps.state();
    if (state.name === "up") return undefined;
    const error = this.#refusal(state, kind);
    if (error !== undefined) {
      this.#failed += 1;
      this.#shed += 1;
      throw error;
    }
    return kind === "write" && readOnlySince(state) !== undefined ? this.#holdWrite(deadline) : undefined;
  }

  /** What `admit` would throw at once, for whoever waits by other means; counted nowhere. */
  refusal(kind: StatementKind): DebyError | undefined {
    return this.#refusal(this.#deps.state(), kind);
  }

  async #holdWrite(deadline: Deadline): Promise<void> {
    const { state } = this.#deps;
    for (let since = readOnlySince(state()); since !== undefined; since = readOnlySince(state())) {
      this.enterQueue();
      await this.#writes.wait(deadline, since + WRITES_HELD_MS);
      const error = state().name === "draining" ? shuttingDown() : this.#refusal(state(), "write");
      if (error === undefined) continue;
      this.#shed += 1;
      throw error;
    }
  }

  /**
   * A request is about to wait.
   * Throws POOL_EXHAUSTED when too many do already.
   */
  enterQueue(): void {
    const { maxWaiters, pool, state } = this.#deps;
    if (this.#waiting >= maxWaiters) {
      this.#shed += 1;
      const message = `Cannot wait for a connection, ${maxWaiters} requests do already: ${pool.figures()}`;
      throw new DebyError("POOL_EXHAUSTED", message, { retryAfterMs: QUEUE_FULL_RETRY_MS });
    }
    if (isAway(state())) this.#held += 1;
  }

  /** Waits while it is being found out whether the server is there. */
  async verdict(deadline: Deadline): Promise<void> {
    if (!this.#deps.canHold) return;
    while (this.#deps.state().name === "suspect") await this.#undecided.wait(deadline);
  }

  /** Whether the server has turned out to take no writes, or to be gone. */
  async isAwayAfterVerdict(deadline: Deadline): Promise<boolean> {
    await this.verdict(deadline);
    return this.#deps.state().name !== "up";
  }

  /** Whether the server is known to take no writes. */
  get isReadOnly(): boolean {
    return readOnlySince(this.#deps.state()) !== undefined;
  }

  /** The error for a request whose time to wait is over. */
  expired(): DebyError {
    const { clock, state, pool } = this.#deps;
    const { name } = state();
    this.#acquireTimeouts += 1;
    if (name === "draining" || name === "closed") return shuttingDown();
    if (name === "up" || name === "read-only") {
      return new DebyError("POOL_EXHAUSTED", `No connection became free in time: ${pool.figures()}`, {
        retryAfterMs: 1000,
      });
    }
    this.#failed += 1;
    return unavailable(state(), clock.now());
  }

  #refusal(state: CircuitState, kind: StatementKind): DebyError | undefined {
    const { clock, canHold } = this.#deps;
    const now = clock.now();
    const isUsable = state.name === "up" || state.name === "draining";
    return refusal(state, now, kind) ?? (canHold || isUsable ? undefined : unavailable(state, now));
  }

  get #waiting(): number {
    return this.#deps.pool.waiting + this.#writes.size;
  }

  stats(): GateStats {
    const waiting = this.#waiting;
    const held = isAway(this.#deps.state()) ? waiting : this.#writes.size;
    return { waiting, held, shed: this.#shed, acquireTimeouts: this.#acquireTimeouts };
  }

  /** Follows the circuit: the pool changes its mode or begins a new generation; those who cannot be held are told. */
  follow(from: CircuitState, to: CircuitState): void {
    const { pool } = this.#deps;
    const error = this.#refusal(to, "read");
    if (from.name === "suspect" && isWaiting(to)) this.#held += pool.waiting;
    if (isWaiting(to) && !isWaiting(from)) {
      pool.startGeneration("DATABASE_UNAVAILABLE", "The connection was given up, the database does not answer");
    }
    pool.setMode(error === undefined ? modeFor(to) : "paused");
    if (readOnlySince(to) === undefined) this.#writes.serveAll();
    if (to.name !== "suspect") this.#undecided.serveAll();
    if (error === undefined) return;
    const sentAway = pool.rejectWaiters(() => error);
    this.#failed += sentAway;
    this.#shed += sentAway;
  }

  /** What became of the requests since the last call; starts counting anew. */
  takeCounts(): Pick<Recovery, "held" | "failed"> {
    const counts = { held: this.#held, failed: this.#failed };
    this.#held = 0;
    this.#failed = 0;
    return counts;
  }
}
