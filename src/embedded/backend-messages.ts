const LENGTH_BYTES = 4;

/** What a server's error tells. Source: PostgreSQL protocol, Error and Notice Message Fields. */
export interface BackendError {
  readonly severity: "ERROR" | "FATAL";
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
}

/** ReadyForQuery's word for where the session is: idle, in a transaction, in a failed one. */
type TransactionStatus = "I" | "T" | "E";

export const AUTHENTICATION_OK = backendMessage("R", uint32(0));
export const ASK_FOR_PASSWORD = backendMessage("R", uint32(3));
/** The answer to the wish for encryption: no. */
export const NO_ENCRYPTION = Buffer.from("N");

export function parameterStatus(name: string, value: string): Buffer {
  return backendMessage("S", name, value);
}

export function backendKeyData(pid: number, secret: number): Buffer {
  return backendMessage("K", uint32(pid), uint32(secret));
}

export function readyForQuery(status: TransactionStatus): Buffer {
  return backendMessage("Z", Buffer.from(status));
}

/** Tells a client that asked for more that the protocol is 3.0 and which of its options are not known. */
export function negotiateProtocolVersion(unknownOptions: readonly string[]): Buffer {
  return backendMessage("v", uint32(3 << 16), uint32(unknownOptions.length), ...unknownOptions);
}

export function errorResponse({ severity, code, message }: BackendError): Buffer {
  return backendMessage("E", `S${severity}`, `V${severity}`, `C${code}`, `M${message}`, Buffer.alloc(1));
}

function backendMessage(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  return Buffer.concat([Buffer.from(type), uint32(LENGTH_BYTES + body.length), body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
