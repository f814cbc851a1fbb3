const ERROR_RESPONSE = 0x45;

/** What the server said before it closed the connection. */
export interface Farewell {
  readonly code: string;
  readonly message: string;
  /** The server's function that said it; a pooler names none. */
  readonly routine?: string;
}

/**
 * Reads a FATAL or PANIC ErrorResponse that stands at the beginning of a chunk. The driver keeps it to itself when the
 * connection is idle or a statement is on its way, so that the reason for a shutdown would be lost.
 * Source: PostgreSQL protocol, ErrorResponse.
 */
export function parseFarewell(chunk: Uint8Array | undefined): Farewell | undefined {
  if (chunk === undefined || chunk[0] !== ERROR_RESPONSE || chunk.length < 6) return undefined;
  const fields = new Map<string, string>();
  for (const field of Buffer.from(chunk.buffer, chunk.byteOffset + 5, chunk.length - 5)
    .toString("utf8")
    .split("\0")) {
    if (field === "") break;
    fields.set(field.charAt(0), field.slice(1));
  }
  const severity = fields.get("V") ?? fields.get("S");
  const code = fields.get("C");
  if (code === undefined || (severity !== "FATAL" && severity !== "PANIC")) return undefined;
  const routine = fields.get("R");
  return { code, message: fields.get("M") ?? "", ...(routine === undefined ? {} : { routine }) };
}
