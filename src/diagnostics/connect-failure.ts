import type { Reason } from "../database/events.ts";
import { codeOf, reasonOf } from "../database/sqlstate.ts";
import { DebyError } from "../errors.ts";

/** The steps that opening a connection goes through at once. */
export type ConnectStep = "protocol" | "tls" | "auth" | "database";

/** Why a connection could not be opened. */
export interface ConnectFailure extends Reason {
  readonly step: ConnectStep;
  /** The server's function that refused, which unlike the message is never translated. */
  readonly routine: string | undefined;
  /** What the TLS library said. */
  readonly detail: string | undefined;
}

/** Invalid name, no CONNECT privilege, ALLOW_CONNECTIONS false. */
const DATABASE_CODES = new Set(["3D000", "42501", "55000"]);

/** Reads what `Connection.open` threw, without the driver's internals. */
export function readConnectFailure(error: unknown): ConnectFailure {
  const thrown = error instanceof DebyError ? (error.cause ?? error) : error;
  const { code, message } = reasonOf(thrown);
  const { routine, cause } = (thrown ?? {}) as { routine?: unknown; cause?: unknown };
  return {
    code,
    message,
    step: stepOf(code),
    routine: typeof routine === "string" ? routine : undefined,
    detail: cause === undefined ? undefined : codeOf(cause),
  };
}

/** The step that a code belongs to. An answer with an SQLSTATE proves that the peer speaks the protocol. */
function stepOf(code: string): ConnectStep {
  if (DATABASE_CODES.has(code) || code === "UNANSWERED") return "database";
  if (code.startsWith("TLS_")) return "tls";
  if (/^[0-9A-Z]{5}$/.test(code) && /\d/.test(code)) return "auth";
  return /^(?:SASL|AUTH|POOLER)_/.test(code) ? "auth" : "protocol";
}
