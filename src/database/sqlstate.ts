import { DebyError, type Outcome } from "../errors.ts";
import type { Reason } from "./events.ts";
import { readPoolerWord } from "./pooler-words.ts";

/**
 * What kind of trouble a code means:
 * - `lost`: this connection is gone, or no connection came about
 * - `transient`: the server, or a pooler in its place, answers, but not now (starting up, too many clients)
 * - `misconfigured`: waiting does not cure it (password, role, database, TLS)
 * - `routing`: the server takes no writes, or has not the role that is asked for
 * - `conflict`: concurrent transactions collided; the statement was undone
 * - `application`: the statement itself is at fault
 */
export type FailureClass = "lost" | "transient" | "misconfigured" | "routing" | "conflict" | "application";

/** Socket codes and codes of our own, in words. */
const WORDS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EPIPE: "connection closed by the server",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOTFOUND: "the host name does not resolve",
  EAI_AGAIN: "the name server does not answer",
  ENOENT: "there is no such Unix socket",
  EACCES: "access to the Unix socket is denied",
  CONNECTION_CLOSED: "connection closed by the server",
  CONNECTION_ENDED: "connection closed",
  CONNECTION_DESTROYED: "connection closed by us",
  CONNECT_TIMEOUT: "no answer in time",
  UNANSWERED: "let in, but no answer in time",
  PROTOCOL: "the peer does not speak the PostgreSQL protocol",
  TLS_REFUSED: "the server does not offer TLS",
  TLS_FAILED: "the TLS handshake failed",
};

const MISCONFIGURED = new Set([
  "28P01",
  "28000",
  "3D000",
  "42501",
  "TLS_REFUSED",
  "TLS_FAILED",
  "SASL_SIGNATURE_MISMATCH",
  "POOLER_MISCONFIGURED",
]);
const ROUTING = new Set(["READ_ONLY", "NO_SUITABLE_HOST", "OUTDATED_HOST"]);
const TRANSIENT = new Set(["57P03", "53300", "POOLER_NO_SERVER"]);

/** Classifies a code that ended an attempt to connect. */
export function classifyConnectFailure(code: string): FailureClass {
  if (MISCONFIGURED.has(code)) return "misconfigured";
  if (TRANSIENT.has(code)) return "transient";
  if (ROUTING.has(code)) return "routing";
  return "lost";
}

/** Classifies a code that ended a statement on a connection that still lives. */
export function classifyStatementFailure(code: string): FailureClass {
  if (code in WORDS) return "lost";
  if (code === "40001" || code === "40P01") return "conflict";
  if (code === "25006") return "routing";
  return "application";
}

/** The code of anything thrown: SQLSTATE, socket code, or UNKNOWN. */
export function codeOf(error: unknown): string {
  if (error instanceof DebyError) return error.reason ?? error.code;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code !== "" ? code : "UNKNOWN";
}

/** Code and words of anything thrown, without the driver's internals. */
export function reasonOf(error: unknown): Reason {
  // Our own message names the address and the code as well; the reason is what lies beneath.
  if (error instanceof DebyError && error.cause !== undefined && error.reason !== undefined)
    return reasonOf(error.cause);
  const code = readPoolerWord(error)?.code ?? codeOf(error);
  const words = WORDS[code] ?? (error as { message?: string } | null)?.message ?? String(error);
  return { code, message: words };
}

/** `connection refused (ECONNREFUSED)`. */
export function describeReason(reason: Reason): string {
  return `${reason.message} (${reason.code})`;
}

/** A failed attempt to connect as the error that leaves the connection system. */
export function connectError(error: unknown, address: string): DebyError {
  if (error instanceof DebyError) return error;
  const reason = reasonOf(error);
  const code =
    classifyConnectFailure(reason.code) === "misconfigured" ? "DATABASE_MISCONFIGURED" : "DATABASE_UNAVAILABLE";
  return new DebyError(code, `Cannot connect to ${address}: ${describeReason(reason)}`, {
    cause: error,
    reason: reason.code,
  });
}

/** The error of a statement whose connection was lost: what we know of it depends on whether bytes of it were sent. */
export function lostError(error: unknown, wasSent: boolean): DebyError {
  const reason = reasonOf(error);
  const canHaveRun = wasSent && readPoolerWord(error)?.isUnsent !== true;
  const outcome: Outcome = canHaveRun ? "unknown" : "not-executed";
  return new DebyError("DATABASE_UNAVAILABLE", `The connection was lost: ${describeReason(reason)}`, {
    cause: error,
    outcome,
    reason: reason.code,
    isLostConnection: true,
  });
}

/**
 * The error of a statement whose connection lives: undone, if the server says so. What the driver itself throws after
 * bytes were sent (it cannot read a result, say) tells nothing about the server.
 */
export function statementError(error: unknown, wasSent: boolean): DebyError {
  const { code, message } = reasonOf(error);
  const severity = severityOf(error);
  if (severity === undefined && classifyStatementFailure(code) === "lost") return lostError(error, wasSent);
  if (severity === "FATAL" || severity === "PANIC") return lostError(error, wasSent);
  const outcome: Outcome = !wasSent ? "not-executed" : severity === undefined ? "unknown" : "rolled-back";
  const options = { cause: error, reason: code, outcome };
  switch (classifyStatementFailure(code)) {
    case "routing":
      return new DebyError("READ_ONLY", `The server accepts no writes: ${message} (${code})`, options);
    case "conflict":
      return new DebyError("SERIALIZATION_FAILURE", `${message} (${code})`, options);
    default:
      break;
  }
  if (code === "57014") return new DebyError("STATEMENT_TIMEOUT", `${message} (${code})`, options);
  if (code.startsWith("23")) return new DebyError("CONSTRAINT_VIOLATED", `${message} (${code})`, options);
  return new DebyError("STATEMENT_FAILED", `${message} (${code})`, options);
}

/** Whether the server has said this, and not the driver. */
export function isToldByServer(error: unknown): boolean {
  return severityOf(error) !== undefined;
}

/** ERROR, FATAL or PANIC where the server has spoken; a lost-connection code of severity ERROR is about another server. */
function severityOf(error: unknown): string | undefined {
  // PgBouncer 1.18 tells it only in the field that servers translate.
  const { severity, severity_local } = (error ?? {}) as { severity?: unknown; severity_local?: unknown };
  const told = severity ?? severity_local;
  return typeof told === "string" ? told : undefined;
}
