import { DebyError } from "../errors.ts";

/**
 * Makes sure that no more than `maxBytes` of a body reach the routes: by its Content-Length, or, where it comes in
 * chunks, by reading it. Returns the request to go on with: itself, or one that holds what was read.
 * @throws DebyError BODY_TOO_LARGE
 */
export function limitBody(request: Request, maxBytes: number): Request | Promise<Request> {
  if (request.method === "GET" || request.method === "HEAD") return request;
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) > maxBytes) throw tooLarge(maxBytes);
    return request;
  }
  const { body } = request;
  return body === null ? request : readChunks(request, body, maxBytes);
}

async function readChunks(request: Request, body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Request> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return new Request(request, { body: Buffer.concat(chunks) });
}

function tooLarge(maxBytes: number): DebyError {
  return new DebyError("BODY_TOO_LARGE", `The body is larger than the ${maxBytes} bytes that are accepted`);
}
