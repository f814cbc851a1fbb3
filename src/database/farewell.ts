/** Source: PostgreSQL protocol: E, and a length that counts itself but not the letter before it. */
const ERROR_RESPONSE = 0x45;
/** The letter and the length. */
export const HEAD_BYTES = 5;

/** What the server said before it closed the connection. */
export interface Farewell {
  readonly code: string;
  readonly message: string;
  /** The server's function that said it; a pooler names none. */
  readonly routine?: string;
}

/**
 * Reads the first FATAL or PANIC ErrorResponse of a chunk that begins with a message. The driver keeps it to itself when
 * the connection is idle or a statement is on its way, so that the reason for a shutdown would be lost. Messages of the
 * statement may stand before it, and what a pooler adds behind it.
 * Source: PostgreSQL protocol, ErrorResponse.
 */
export function parseFarewell(chunk: Uint8Array | undefined): Farewell | undefined {
  if (chunk === undefined) return undefined;
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  for (let start = 0; start + HEAD_BYTES < bytes.length; ) {
    const length = bytes.readUInt32BE(start + 1);
    if (length < 4) return undefined;
    const end = start + 1 + length;
    const farewell = bytes[start] === ERROR_RESPONSE ? readError(bytes.subarray(start + HEAD_BYTES, end)) : undefined;
    if (farewell !== undefined) return farewell;
    start = end;
  }
  return undefined;
}

function readError(body: Buffer): Farewell | undefined {
  const fields = new Map<string, string>();
  for (const field of body.toString("utf8").split("\0")) {
    if (field === "") break;
    fields.set(field.charAt(0), field.slice(1));
  }
  const severity = fields.get("V") ?? fields.get("S");
  const code = fields.get("C");
  if (code === undefined || (severity !== "FATAL" && severity !== "PANIC")) return undefined;
  const routine = fields.get("R");
  return { code, message: fields.get("M") ?? "", ...(routine === undefined ? {} : { routine }) };
}
