import { DebyError, type Outcome } from "../errors.ts";
import { withoutComments } from "./sql-comments.ts";

/** How a statement may be treated: `read` was declared so, `write` is anything else. */
export type StatementKind = "read" | "write";

const MAX_READ_REPEATS = 2;
const MAX_CONFLICT_REPEATS = 3;
/** A statement that was never sent may wait again as often as its deadline allows; this only ends a mad circle. */
const MAX_UNSENT_REPEATS = 20;

/**
 * Statements that may commit on their way, and then fail: the server's error does not mean that nothing remains of
 * them. Source: PostgreSQL documentation, transaction management in procedures; "cannot run inside a transaction block".
 */
const COMMITS_ON_ITS_WAY = startingWith(
  String.raw`call|do|vacuum|reindex|cluster|(?:create|drop)\s+(?:unique\s+)?index\s+concurrently|(?:create|drop|alter)\s+(?:database|tablespace)|alter\s+type|alter\s+table\s.*\sdetach\s.*\sconcurrently`,
);
/** All but ROLLBACK TO a savepoint. Source: PostgreSQL documentation, SQL commands. */
const ENDS_TRANSACTION = startingWith(
  String.raw`commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)`,
);

/** Finds texts without comments that begin with these words. */
function startingWith(words: string): RegExp {
  return new RegExp(String.raw`^[\s;]*(?:${words})\b`, "is");
}

/** Whether a statement with this text may have done something although it has failed. */
export function mayCommitOnItsWay(text: string): boolean {
  return COMMITS_ON_ITS_WAY.test(withoutComments(text));
}

/** Whether a statement with this text ends the transaction that it is in. */
export function endsTransaction(text: string): boolean {
  return ENDS_TRANSACTION.test(withoutComments(text));
}

/** The error of a statement outside a transaction, its outcome corrected by what kind of statement it was. */
export function standaloneError(error: unknown, text: string): unknown {
  if (!(error instanceof DebyError) || error.outcome !== "rolled-back" || !mayCommitOnItsWay(text)) return error;
  return withOutcome(error, "unknown");
}

/** The same error with another outcome. */
export function withOutcome(error: DebyError, outcome: Outcome): DebyError {
  const { code, message, reason, retryAfterMs, isLostConnection } = error;
  const known = {
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return new DebyError(code, message, { cause: error, outcome, isLostConnection, ...known });
}

/** Whether a failed statement may be run again, given how often it was repeated already. Pure. */
export function mayRepeat(error: unknown, kind: StatementKind, repeats: number): boolean {
  if (!(error instanceof DebyError)) return false;
  if (error.code === "SERIALIZATION_FAILURE") return error.outcome === "rolled-back" && repeats < MAX_CONFLICT_REPEATS;
  if (!error.isLostConnection) return false;
  if (error.outcome === "not-executed") return repeats < MAX_UNSENT_REPEATS;
  return kind === "read" && repeats < MAX_READ_REPEATS;
}

/** Whether a server that takes no writes has refused one. Source: SQLSTATE 25006, read_only_sql_transaction. */
export function isRefusal(error: unknown): boolean {
  return error instanceof DebyError && error.reason === "25006";
}

/** The same, where nothing remains of what was tried. */
export function isRefusedWrite(error: unknown): boolean {
  return isRefusal(error) && (error as DebyError).outcome === "rolled-back";
}

/** Whether running it again costs the retry budget: it was sent, so that the server had its work with it already. */
export function needsBudget(error: unknown): boolean {
  return error instanceof DebyError && error.isLostConnection && error.outcome !== "not-executed";
}

/** The error of whoever kept a connection for too long. */
export function leaseError(error: unknown, leaseLimitMs: number): unknown {
  if (!(error instanceof DebyError) || error.code !== "DEADLINE_EXCEEDED") return error;
  const message = `The connection was taken back after ${leaseLimitMs} ms (lease-limit)`;
  return new DebyError("DEADLINE_EXCEEDED", message, { cause: error, outcome: error.outcome, reason: "LEASE_LIMIT" });
}

/** Whether a transaction that is known to be undone may be run again from its start, given that it was declared so. */
export function mayRunAgain(error: unknown, repeats: number): boolean {
  if (!(error instanceof DebyError) || error.outcome !== "rolled-back") return false;
  if (error.code === "SERIALIZATION_FAILURE") return repeats < MAX_CONFLICT_REPEATS;
  return error.isLostConnection && repeats < MAX_READ_REPEATS;
}

/** The error as its caller should see it: a write of unknown fate must not look like one that may be sent again. */
export function finalError(error: unknown, kind: StatementKind): unknown {
  if (!(error instanceof DebyError) || kind === "read" || error.outcome !== "unknown") return error;
  return new DebyError("OUTCOME_UNKNOWN", `${error.message}; it may have been executed`, {
    cause: error,
    outcome: "unknown",
    isLostConnection: error.isLostConnection,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  });
}
