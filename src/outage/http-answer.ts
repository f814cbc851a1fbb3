export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Whether the connection may be used again. */
  readonly keepAlive: boolean;
}

const HEAD_END = "\r\n\r\n";

/** Reads one HTTP/1.1 answer that has a Content-Length, is chunked, or has no body. Anything else is an error. */
export class HttpAnswerParser {
  #received = Buffer.alloc(0);

  /**
   * Takes what arrived; the answer once it is whole, else undefined.
   * @throws Error if this is no such answer
   */
  push(chunk: Uint8Array): HttpAnswer | undefined {
    this.#received = Buffer.concat([this.#received, chunk]);
    const headLength = this.#received.indexOf(HEAD_END);
    if (headLength < 0) return undefined;
    const [statusLine = "", ...headerLines] = this.#received.toString("latin1", 0, headLength).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
    if (!(status >= 200)) throw new Error(`Not an HTTP/1.1 answer: ${statusLine.slice(0, 80)}`);
    const headers = readHeaders(headerLines);
    const body = readBody(status, headers, this.#received.subarray(headLength + HEAD_END.length));
    if (body === undefined) return undefined;
    return { status, body, keepAlive: headers.get("connection")?.toLowerCase() !== "close" };
  }
}

function readHeaders(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

function readBody(status: number, headers: ReadonlyMap<string, string>, bytes: Buffer): string | undefined {
  if (status === 204 || status === 304) return "";
  if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") return readChunks(bytes);
  const length = Number(headers.get("content-length") ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error("An answer without a length");
  return bytes.length < length ? undefined : bytes.toString("utf8", 0, length);
}

function readChunks(bytes: Buffer): string | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  while (true) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("A chunk without a size");
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks).toString("utf8");
    chunks.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
