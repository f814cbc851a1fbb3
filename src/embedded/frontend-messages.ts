/** A message of a client, its type's letter and its bytes, the letter and the length included. */
export interface FrontendMessage {
  readonly type: string;
  readonly bytes: Buffer;
}

/** What a client may ask for before a session begins. Source: PostgreSQL protocol, Message Formats. */
export type FirstMessage =
  | { readonly type: "startup"; readonly minorVersion: number; readonly parameters: ReadonlyMap<string, string> }
  | { readonly type: "encryption" }
  | { readonly type: "cancel"; readonly pid: number; readonly secret: number }
  | { readonly type: "unknown" };

const LENGTH_BYTES = 4;
const HEAD_BYTES = 1 + LENGTH_BYTES;
/** As in Postgres, MAX_STARTUP_PACKET_LENGTH: a stranger's word is not to be kept at any length. */
const MAX_FIRST_BYTES = 10_000;
/** As in Postgres, PQ_LARGE_MESSAGE_LIMIT. */
const MAX_BYTES = 0x3fff_ffff;
const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSS_ENCRYPTION_REQUEST = 80877104;

/** Cuts what a client sends into messages, however the network has cut it. */
export class FrontendReader {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next message of a client that has no session yet; undefined until it is complete. @throws Error on garbage */
  nextFirst(): FirstMessage | undefined {
    const bytes = this.#take(0, MAX_FIRST_BYTES);
    return bytes && parseFirst(bytes.subarray(LENGTH_BYTES));
  }

  /** The next message; undefined until it is complete. @throws Error on garbage */
  next(maxBytes = MAX_BYTES): FrontendMessage | undefined {
    const bytes = this.#take(1, maxBytes);
    return bytes && { type: String.fromCharCode(bytes[0] ?? 0), bytes };
  }

  /** A message whose length stands behind `offset` bytes that it does not count. */
  #take(offset: number, maxBytes: number): Buffer | undefined {
    const headBytes = offset + LENGTH_BYTES;
    if (this.#size < headBytes) return undefined;
    const [first] = this.#chunks;
    const head = first !== undefined && first.length >= headBytes ? first : this.#join();
    const length = head.readUInt32BE(offset);
    if (length < LENGTH_BYTES || length > maxBytes) throw new Error(`Invalid length of a message: ${length}`);
    const end = offset + length;
    if (this.#size < end) return undefined;
    const bytes = this.#join();
    this.#chunks = bytes.length === end ? [] : [bytes.subarray(end)];
    this.#size -= end;
    return bytes.subarray(0, end);
  }

  /** All there is, in one piece; called once for a message, when all of it is there. */
  #join(): Buffer {
    const [first] = this.#chunks;
    const joined = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

function parseFirst(body: Buffer): FirstMessage {
  if (body.length < 4) return { type: "unknown" };
  const code = body.readUInt32BE(0);
  if (code === SSL_REQUEST || code === GSS_ENCRYPTION_REQUEST) return { type: "encryption" };
  if (code === CANCEL_REQUEST && body.length >= 12) {
    return { type: "cancel", pid: body.readUInt32BE(4), secret: body.readUInt32BE(8) };
  }
  if (code >>> 16 !== 3) return { type: "unknown" };
  const words = body.toString("utf8", 4).split("\0");
  const parameters = new Map<string, string>();
  for (let i = 0; i + 1 < words.length && words[i] !== ""; i += 2) parameters.set(words[i] ?? "", words[i + 1] ?? "");
  return { type: "startup", minorVersion: code & 0xffff, parameters };
}

/** The password that a client answered with. */
export function readPassword({ bytes }: FrontendMessage): string {
  return bytes.toString("utf8", HEAD_BYTES, bytes.length - 1);
}

/** A message from its type's letter and the parts of its body; text is ended by a zero byte. */
export function frontendMessage(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(type);
  head.writeUInt32BE(LENGTH_BYTES + body.length, 1);
  return Buffer.concat([head, body]);
}
