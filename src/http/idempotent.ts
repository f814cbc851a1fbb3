import { type Context, t } from "elysia";
import type { Database } from "../database/database.ts";
import { decodeResult, encodeResult } from "../database/outcome-json.ts";
import type { Transaction } from "../database/statement.ts";
import { DebyError } from "../errors.ts";
import { bodyOf, fingerprintOf, KEY_HEADER, pathAndQueryOf, REPLAYED_HEADER, readKey } from "./idempotency-key.ts";
import { answerOf, type Kept, type KeptAnswer, keep } from "./kept-answer.ts";

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
 * the kept answer, status and JSON body, with `Idempotent-Replayed: true`. What `work` throws is not kept: its
 * transaction is undone, and the key is free again; an Error that it returns counts as thrown. What is given back is what
 * JSON makes of the result (a date is its text), for the first request as for the others, and for one without a key.
 * Throws KEY_REUSED where path, query or body differ, KEY_IN_PROGRESS where the first request still runs at the deadline,
 * INTERNAL_ERROR where the result is no JSON (a Response, a stream, a generator), with the work undone, and where the body
 * was read before but is not in the context, and what `Database.once` throws.
 */
export interface Idempotent {
  <R>(
    context: RequestContext,
    work: (tx: Transaction) => R | Promise<R>,
    options?: IdempotentOptions,
  ): Promise<Kept<R>>;
  /** For the route's options: `{ headers: idempotent.headers }`. */
  readonly headers: typeof KEY_HEADERS;
}

export function createIdempotent(db: Pick<Database, "once" | "transaction">): Idempotent {
  async function idempotent<R>(
    { request, set, body, route = "" }: RequestContext,
    work: (tx: Transaction) => R | Promise<R>,
    { principal, isRequired = false }: IdempotentOptions = {},
  ): Promise<Kept<R>> {
    const run = async (tx: Transaction): Promise<KeptAnswer> => keep(await work(tx), set);
    const key = readKey(request.headers);
    if (key === undefined) {
      if (isRequired) throw new DebyError("MALFORMED_REQUEST", `This route needs the header ${KEY_HEADER}`);
      const text = await db.transaction(async (tx) => encodeResult(await run(tx)));
      return answerOf<R>(decodeResult<KeptAnswer>(text), set);
    }
    const kept = await db.once(key, run, {
      scope: JSON.stringify([route, ...(principal === undefined ? [] : [principal])]),
      fingerprint: await fingerprintOf(request.method, pathAndQueryOf(request.url), await bodyOf(request, body)),
      onReplay: () => {
        set.headers[REPLAYED_HEADER.toLowerCase()] = "true";
      },
    });
    return answerOf<R>(kept, set);
  }
  return Object.assign(idempotent, { headers: KEY_HEADERS });
}
