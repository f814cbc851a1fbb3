import { DebyError } from "../errors.ts";

/** How a statement may be treated: `read` was declared so, `write` is anything else. */
export type StatementKind = "read" | "write";

const MAX_READ_REPEATS = 2;
const MAX_CONFLICT_REPEATS = 3;
/** A statement that was never sent may wait again as often as its deadline allows; this only ends a mad circle. */
const MAX_UNSENT_REPEATS = 20;

/** Whether a failed statement may be run again, given how often it was repeated already. Pure. */
export function mayRepeat(error: unknown, kind: StatementKind, repeats: number): boolean {
  if (!(error instanceof DebyError)) return false;
  if (error.code === "SERIALIZATION_FAILURE") return repeats < MAX_CONFLICT_REPEATS;
  if (!isLostConnection(error)) return false;
  if (error.outcome === "not-executed") return repeats < MAX_UNSENT_REPEATS;
  return kind === "read" && repeats < MAX_READ_REPEATS;
}

/** Whether the connection went away under the statement, as opposed to no connection having been had. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof DebyError && error.code === "DATABASE_UNAVAILABLE" && error.isLostConnection;
}

/** The error as its caller should see it: a write of unknown fate must not look like one that may be sent again. */
export function finalError(error: unknown, kind: StatementKind): unknown {
  if (!(error instanceof DebyError) || kind === "read" || error.outcome !== "unknown") return error;
  return new DebyError("OUTCOME_UNKNOWN", `${error.message}; the statement was sent and may have been executed`, {
    cause: error,
    outcome: "unknown",
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  });
}
