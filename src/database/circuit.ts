import type { PoolSettings } from "../config/types.ts";
import type { CircuitState, Reason } from "./events.ts";
import type { FailureClass } from "./sqlstate.ts";

/** What can happen to the circuit. */
export type CircuitEvent =
  /** A sign of trouble: a closed socket, a connection error, a heartbeat without an answer. */
  | { readonly type: "trouble"; readonly reason: Reason }
  /** A fresh probe was answered; `isWritable` is what it found. */
  | { readonly type: "proven"; readonly isWritable: boolean }
  /** New connections are refused, yet one that we hold answers. */
  | { readonly type: "refused-but-alive"; readonly reason: Reason; readonly isWritable: boolean }
  /** A probe or a counted attempt failed, and nothing else answers. */
  | { readonly type: "failed"; readonly reason: Reason; readonly failure: FailureClass }
  /** A counted attempt begins. */
  | { readonly type: "attempt-started" }
  | { readonly type: "drain" }
  | { readonly type: "close" };

/** The first, loud series of attempts and what follows it. */
export type Schedule = Pick<PoolSettings, "retryAttempts" | "retryDelaysMs" | "retryIntervalMs">;

/** How long a single attempt may take, too. */
export type AttemptSettings = Schedule & Pick<PoolSettings, "connectTimeoutMs">;

/** The states in which the database is not usable and attempts are counted. */
export type WaitingState = Extract<CircuitState, { attempt: number }>;

/** The pool's own sign of trouble: its last connection is gone while the server refuses new ones. */
export const EMPTY_POOL = "EMPTY_POOL";

const READ_ONLY: Reason = { code: "READ_ONLY", message: "the server accepts no writes" };

export function initialState(now: number): CircuitState {
  return { name: "starting", since: now, lostAt: now, attempt: 0, nextAttemptAt: now };
}

export function isWaiting(state: CircuitState): state is WaitingState {
  return "attempt" in state;
}

/** Since when the server takes no writes; undefined where it does, or is not there at all. */
export function readOnlySince(state: CircuitState): number | undefined {
  if (state.name === "read-only") return state.since;
  return state.name === "suspect" ? state.readOnlySince : undefined;
}

/** The pause after attempt number `attempt` (from 1), in milliseconds. */
export function pauseAfter(attempt: number, { retryAttempts, retryDelaysMs, retryIntervalMs }: Schedule): number {
  if (attempt > retryAttempts) return retryIntervalMs;
  return retryDelaysMs[Math.min(attempt, retryDelaysMs.length) - 1] ?? retryIntervalMs;
}

/**
 * The one place that decides the state. Pure; gives back the same object when the event changes nothing.
 * `draining` ends in `closed` only, and `closed` never ends.
 */
export function transition(
  state: CircuitState,
  event: CircuitEvent,
  now: number,
  settings: AttemptSettings,
): CircuitState {
  if (state.name === "closed") return state;
  if (event.type === "close") return { name: "closed", since: now };
  if (state.name === "draining") return state;
  switch (event.type) {
    case "drain":
      return { name: "draining", since: now, last: state.name };
    case "trouble":
      if (state.name !== "up" && state.name !== "read-only") return state;
      // What made the warning is no news: the pool runs into it at every connection that it wants to open.
      if (state.reason?.code === event.reason.code) return state;
      return {
        name: "suspect",
        since: now,
        reason: event.reason,
        ...(state.name === "read-only" ? { readOnlySince: state.since } : {}),
      };
    case "proven":
      return proven(state, event.isWritable, now);
    case "refused-but-alive":
      if (!event.isWritable) return proven(state, false, now);
      return { name: "up", since: state.name === "up" ? state.since : now, reason: event.reason };
    case "attempt-started": {
      if (!isWaiting(state)) return state;
      const attempt = state.attempt + 1;
      // What is told of it meanwhile is an upper bound: this one may use up all its time, and then fail as before.
      const pauseMs = pauseAfterFailure(state.name, attempt, settings);
      return { ...state, attempt, nextAttemptAt: now + settings.connectTimeoutMs + pauseMs };
    }
    case "failed":
      return failed(state, event, now, settings);
    default:
      return event satisfies never;
  }
}

function proven(state: CircuitState, isWritable: boolean, now: number): CircuitState {
  if (isWritable) {
    return state.name === "up" && state.reason === undefined ? state : { name: "up", since: now };
  }
  if (state.name === "read-only") return state;
  return { name: "read-only", since: readOnlySince(state) ?? now, reason: READ_ONLY };
}

function failed(
  state: CircuitState,
  { reason, failure }: Extract<CircuitEvent, { type: "failed" }>,
  now: number,
  schedule: Schedule,
): CircuitState {
  if (!isWaiting(state)) {
    const fresh = { since: now, lostAt: now, attempt: 0, nextAttemptAt: now };
    if (failure === "misconfigured") return { name: "blocked", ...fresh, reason };
    // The first sign tells the cause (say, an administrator's command); the probe only found nobody there.
    const isCauseKnown = state.name === "suspect" && state.reason.code !== EMPTY_POOL;
    return { name: "reconnecting", ...fresh, reason: isCauseKnown ? state.reason : reason };
  }
  const { attempt, lostAt } = state;
  const name = nameAfterFailure(state, failure, schedule);
  return {
    name,
    since: name === state.name ? state.since : now,
    lostAt,
    attempt,
    nextAttemptAt: now + pauseAfterFailure(name, attempt, schedule),
    reason,
  };
}

function nameAfterFailure(state: WaitingState, failure: FailureClass, schedule: Schedule): WaitingState["name"] {
  if (failure === "misconfigured") return "blocked";
  if (state.attempt >= schedule.retryAttempts) return "down";
  return state.name === "starting" ? "starting" : "reconnecting";
}

function pauseAfterFailure(name: WaitingState["name"], attempt: number, schedule: Schedule): number {
  return name === "blocked" ? schedule.retryIntervalMs : pauseAfter(attempt, schedule);
}
