import { DebyError } from "../errors.ts";

export const KEY_HEADER = "Idempotency-Key";
export const REPLAYED_HEADER = "Idempotent-Replayed";

const MAX_LENGTH = 255;
/** Source: RFC 9651, strings: visible ASCII and blanks, quotes and backslashes behind a backslash. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;
const VISIBLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * The key of a request; undefined where it has none. Quoted as the standard wants it, or bare as many send it.
 * Source: IETF draft, The Idempotency-Key HTTP Header Field.
 * Throws MALFORMED_REQUEST for what is no key.
 */
export function readKey(headers: Headers): string | undefined {
  const text = headers.get(KEY_HEADER)?.trim();
  if (text === undefined) return undefined;
  const quoted = QUOTED.exec(text)?.[1];
  const key = quoted === undefined ? text : quoted.replace(/\\(["\\])/g, "$1");
  if (key.length <= MAX_LENGTH && VISIBLE.test(key)) return key;
  throw new DebyError("MALFORMED_REQUEST", `${KEY_HEADER} has 1 to ${MAX_LENGTH} characters of visible ASCII`);
}

/** Without scheme and host, by which the same server may be called in several ways. */
export function pathAndQueryOf(url: string): string {
  // A request that names no host (HTTP/1.0) comes with its path alone.
  return url.startsWith("/") ? url : url.slice(url.indexOf("/", url.indexOf("://") + "://".length));
}

/**
 * The body as it was parsed; where it was not (an unknown Content-Type, `parse: "none"`), its bytes, which can still be
 * read from the request. Undefined where there is none.
 * Throws INTERNAL_ERROR for a body that is gone: without it another request would be taken for the same.
 */
export async function bodyOf(request: Request, parsed: unknown): Promise<unknown> {
  if (parsed !== undefined) return parsed;
  if (!request.bodyUsed) {
    const bytes = await request.clone().bytes();
    return bytes.length === 0 ? undefined : bytes;
  }
  throw new DebyError(
    "INTERNAL_ERROR",
    `The body was read before idempotent() could compare it with that of an earlier request with this ${KEY_HEADER}; ` +
      "hand over the route's whole context, or what was read: idempotent({ ...context, body }, work)",
  );
}

/** The same body gives the same text, in whatever order the members of its objects come. */
export async function fingerprintOf(method: string, pathAndQuery: string, body: unknown): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(JSON.stringify([method, pathAndQuery]));
  hasher.update(JSON.stringify(await canonical(body)) ?? "");
  return hasher.digest("base64url");
}

/** What of a parsed body can be compared as JSON: files and bytes by their hashes, objects in one order. */
async function canonical(value: unknown): Promise<unknown> {
  if (typeof value === "bigint") return { bigint: value.toString() };
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value.toJSON();
  if (value instanceof Blob) {
    const name = value instanceof File ? { name: value.name } : {};
    return { blob: hashOf(await value.bytes()), type: value.type, ...name };
  }
  if (value instanceof ArrayBuffer) return { bytes: hashOf(new Uint8Array(value)) };
  if (ArrayBuffer.isView(value)) {
    return { bytes: hashOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
  }
  if (Array.isArray(value)) return await Promise.all(value.map(canonical));
  if ("toJSON" in value && typeof value.toJSON === "function") return { json: await canonical(value.toJSON()) };
  if (value instanceof Map || value instanceof Set) return { entries: await canonical([...value]) };
  const members = value instanceof FormData ? [...value.entries()] : Object.entries(value);
  members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { members: await Promise.all(members.map(async ([name, member]) => [name, await canonical(member)])) };
}

function hashOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("base64url");
}
