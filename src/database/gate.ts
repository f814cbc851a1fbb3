import type { Clock } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { isWaiting } from "./circuit.ts";
import type { CircuitState, Recovery } from "./events.ts";
import type { Pool } from "./pool.ts";
import type { PooledConnection, PoolMode } from "./pool-types.ts";
import { describeReason } from "./sqlstate.ts";

const READ_ONLY_RETRY_MS = 1000;

/**
 * Why a request cannot be served now nor be held; undefined when it may go on or wait.
 * Held: starting, suspect, reconnecting. Sent away: down, blocked, draining, closed, and writes while read-only.
 */
export function refusal(
  state: CircuitState,
  now: number,
  options: { readonly isWrite: boolean },
): DebyError | undefined {
  switch (state.name) {
    case "up":
    case "suspect":
    case "starting":
    case "reconnecting":
      return undefined;
    case "read-only":
      if (!options.isWrite) return undefined;
      return new DebyError("READ_ONLY", "The server accepts no writes at the moment", {
        retryAfterMs: READ_ONLY_RETRY_MS,
      });
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

/** The error for whoever waits or comes while the service ends. */
export function shuttingDown(): DebyError {
  return new DebyError("SHUTTING_DOWN", "The server is shutting down and takes no new statements");
}

/** The error for a request that cannot wait any longer; it promises no more than the next counted attempt. */
function unavailable(state: CircuitState, now: number): DebyError {
  const code = state.name === "blocked" ? "DATABASE_MISCONFIGURED" : "DATABASE_UNAVAILABLE";
  const reason = "reason" in state ? state.reason : undefined;
  const why = reason ? `: ${describeReason(reason)}` : "";
  return new DebyError(code, `The database is not usable (${state.name})${why}`, {
    retryAfterMs: isWaiting(state) ? Math.max(0, state.nextAttemptAt - now) : 0,
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

export interface GateDeps {
  readonly clock: Clock;
  readonly state: () => CircuitState;
  readonly pool: Pick<Pool<PooledConnection>, "setMode" | "startGeneration" | "rejectWaiters" | "figures" | "stats">;
}

/** Holds, admits and sends away requests by the circuit's state, and keeps the pool in step with it. */
export class Gate {
  readonly #deps: GateDeps;
  #held = 0;
  #failed = 0;

  constructor(deps: GateDeps) {
    this.#deps = deps;
  }

  /** Throws what `refusal` says; returns when the request may take a connection or wait for one. */
  admit(options: { readonly isWrite: boolean }): void {
    const state = this.#deps.state();
    if (state.name === "up") return;
    const error = refusal(state, this.#deps.clock.now(), options);
    if (error === undefined) return;
    this.#failed += 1;
    throw error;
  }

  /** Counts a request that has to wait while the database is away. */
  noteWaiting(): void {
    const { name } = this.#deps.state();
    if (name === "starting" || name === "reconnecting") this.#held += 1;
  }

  /** The error for a request whose time to wait is over. */
  expired(): DebyError {
    const { clock, state, pool } = this.#deps;
    const { name } = state();
    if (name === "up" || name === "suspect" || name === "read-only") {
      return new DebyError("POOL_EXHAUSTED", `No connection became free in time: ${pool.figures()}`, {
        retryAfterMs: 1000,
      });
    }
    this.#failed += 1;
    return unavailable(state(), clock.now());
  }

  /** Follows the circuit: the pool changes its mode or begins a new generation; those who cannot be held are told. */
  follow(from: CircuitState, to: CircuitState): void {
    const { clock, pool } = this.#deps;
    const error = refusal(to, clock.now(), { isWrite: false });
    if (from.name === "suspect" && isWaiting(to)) this.#held += pool.stats().waiting;
    if (isWaiting(to) && !isWaiting(from)) {
      pool.startGeneration("DATABASE_UNAVAILABLE", "The connection was given up, the database does not answer");
    }
    pool.setMode(error === undefined ? modeFor(to) : "paused");
    if (error !== undefined) this.#failed += pool.rejectWaiters(() => error);
  }

  /** What became of the requests since the last call; starts counting anew. */
  takeCounts(): Pick<Recovery, "held" | "failed"> {
    const counts = { held: this.#held, failed: this.#failed };
    this.#held = 0;
    this.#failed = 0;
    return counts;
  }
}
