import { type Context, ElysiaCustomStatusResponse, StatusMap, status, t } from "elysia";
import type { Database } from "../database/database.ts";
import type { Transaction } from "../database/statement.ts";
import { DebyError } from "../errors.ts";
import { fingerprintOf, KEY_HEADER, REPLAYED_HEADER, readKey } from "./idempotency-key.ts";
import { pathOf } from "./reserved-routes.ts";

/** What a route declares that looks at the key, so that the API's document tells of it. */
export const KEY_HEADERS = t.Object(
  {
    [KEY_HEADER.toLowerCase()]: t.Optional(
      t.String({ description: "The same request with the same key happens once, however often it is sent" }),
    ),
  },
  { additionalProperties: true },
);

export interface IdempotentOptions {
  /**
   * Who is calling. Without it all callers share their keys: whoever sends the same request with the key of somebody else
   * is given that one's answer.
   */
  readonly principal?: string;
  /** A request without a key is refused with 400. Default: it runs in a transaction of its own, like any other. */
  readonly isRequired?: boolean;
}

/** What is looked at of a route's context. */
type RequestContext = Pick<Context, "request" | "set"> & { readonly body?: unknown; readonly route?: string };

/**
 * Answers a request once for its `Idempotency-Key`: `work` runs once for all requests with this key; a repeated one gets
 * the kept answer, status and JSON body, with `Idempotent-Replayed: true`. What `work` throws is not kept, and the key
 * is free again. Throws KEY_REUSED where path or body differ, KEY_IN_PROGRESS where the first request still runs at the
 * deadline, and what `Database.once` throws.
 */
export interface Idempotent {
  <R>(context: RequestContext, work: (tx: Transaction) => R | Promise<R>, options?: IdempotentOptions): Promise<R>;
  /** For the route's options: `{ headers: idempotent.headers }`. */
  readonly headers: typeof KEY_HEADERS;
}

/** An answer as it is kept with its key. */
interface KeptAnswer {
  readonly status?: number;
  readonly body?: unknown;
}

export function createIdempotent(db: Pick<Database, "once" | "transaction">): Idempotent {
  async function idempotent<R>(
    { request, set, body, route = "" }: RequestContext,
    work: (tx: Transaction) => R | Promise<R>,
    { principal, isRequired = false }: IdempotentOptions = {},
  ): Promise<R> {
    const key = readKey(request.headers);
    if (key === undefined) {
      if (isRequired) throw new DebyError("MALFORMED_REQUEST", `This route needs the header ${KEY_HEADER}`);
      return await db.transaction(async (tx) => await work(tx));
    }
    const { method, url } = request;
    const kept = await db.once(key, async (tx) => keep(await work(tx), set), {
      scope: JSON.stringify([route, ...(principal === undefined ? [] : [principal])]),
      fingerprint: await fingerprintOf(method, url.slice(url.indexOf(pathOf(url))), body),
      onReplay: () => {
        set.headers[REPLAYED_HEADER.toLowerCase()] = "true";
      },
    });
    return (kept.status === undefined ? kept.body : status(kept.status, kept.body)) as R;
  }
  return Object.assign(idempotent, { headers: KEY_HEADERS });
}

function keep(answer: unknown, set: Context["set"]): KeptAnswer {
  if (answer instanceof ElysiaCustomStatusResponse) return { status: answer.code, body: asJson(answer.response) };
  const status = typeof set.status === "string" ? StatusMap[set.status] : set.status;
  return { ...(status === undefined ? {} : { status }), body: asJson(answer) };
}

/** Refuses what JSON would make an empty object of. */
function asJson(body: unknown): unknown {
  const isOther = [Response, Blob, FormData, ReadableStream, Map, Set].some((type) => body instanceof type);
  if (!isOther && !ArrayBuffer.isView(body)) return body;
  const kind = body?.constructor.name;
  throw new DebyError("STATEMENT_FAILED", `An idempotent route answers with what is JSON, not with a ${kind}`);
}
