import { type Context, ElysiaCustomStatusResponse, ElysiaFile, StatusMap } from "elysia";
import type { Stored } from "../database/outcome-json.ts";
import { DebyError } from "../errors.ts";

/** What `work` returns, as every caller gets it: after it was JSON, inside `status()` where `work` used that. */
export type Kept<R> =
  R extends ElysiaCustomStatusResponse<infer Code, infer Body, infer Status>
    ? ElysiaCustomStatusResponse<Code, Stored<Body>, Status>
    : Stored<R>;

/** An answer as it is kept with its key. */
export interface KeptAnswer {
  readonly status?: number;
  readonly body?: unknown;
  /** `work` returned `status()`. */
  readonly isStatus?: true;
}

type Answering = Pick<Context["set"], "status">;

/** Throws the Error that `work` returned, and INTERNAL_ERROR for what JSON cannot hold. */
export function keep(answer: unknown, set: Answering): KeptAnswer {
  if (answer instanceof Error) throw answer;
  if (answer instanceof ElysiaCustomStatusResponse) {
    return { status: answer.code, body: asJson(answer.response), isStatus: true };
  }
  const status = typeof set.status === "string" ? StatusMap[set.status] : set.status;
  return { ...(status === undefined ? {} : { status }), body: asJson(answer) };
}

/** The first answer and every later one, for Elysia to send. Its type is known to the caller alone. */
export function answerOf<R>({ status, body, isStatus }: KeptAnswer, set: Answering): Kept<R> {
  if (status === undefined) return body as Kept<R>;
  if (isStatus) return new ElysiaCustomStatusResponse(status, body) as Kept<R>;
  set.status = status;
  return body as Kept<R>;
}

/** What Elysia answers otherwise than as text or JSON, and JSON would make an empty object of. */
const NO_JSON = [Error, Response, Blob, FormData, URLSearchParams, ArrayBuffer, Promise, ElysiaFile];

function asJson(body: unknown): unknown {
  if (canBeJson(body)) return body;
  const isNamed = typeof body === "object" && body !== null && body.constructor?.name;
  const kind = isNamed || Object.prototype.toString.call(body).slice("[object ".length, -1);
  throw new DebyError(
    "INTERNAL_ERROR",
    `An idempotent route cannot keep its answer, and has undone its work: JSON cannot hold what it returned (${kind}); ` +
      "return a plain value, or status() around one, and put headers into context.set.headers",
    { outcome: "rolled-back" },
  );
}

function canBeJson(body: unknown): boolean {
  if (typeof body === "function" || typeof body === "symbol") return false;
  if (typeof body !== "object" || body === null || Array.isArray(body)) return true;
  if (NO_JSON.some((type) => body instanceof type) || ArrayBuffer.isView(body)) return false;
  if ("next" in body && typeof body.next === "function") return false;
  const isIterable = Symbol.iterator in body || Symbol.asyncIterator in body;
  return !isIterable || ("toJSON" in body && typeof body.toJSON === "function");
}
