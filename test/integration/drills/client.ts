import type { Outcome } from "../../../src/errors.ts";
import type { Way } from "./plan.ts";

/** deby's request-timeout in the drills. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** What an answer may be late by, and what a client on a busy machine may need to see it. */
const LATE_MS = 100;
const SLACK_MS = 400;

/** A write and what became of it. */
export interface Answer {
  readonly id: string;
  readonly way: Way;
  /** `dropped`: the connection ended without an answer; `hung`: none came by the deadline. */
  readonly ending: "answered" | "dropped" | "hung";
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly outcome: Outcome | undefined;
  readonly isReplay: boolean;
  readonly text: string;
  readonly tookMs: number;
}

/** Sends a write exactly once. Never rejects. */
export async function put(url: string, { id, way }: { readonly id: string; readonly way: Way }): Promise<Answer> {
  const sentAt = performance.now();
  const nothing = { id, way, status: undefined, code: undefined, outcome: undefined, isReplay: false };
  const path = way === "canary" ? `/api/canary/${id}` : `/drills/${id}`;
  try {
    const response = await fetch(`${url}${path}`, {
      method: "PUT",
      headers: way === "canary" ? {} : { "Idempotency-Key": id },
      // On a connection that was used before, fetch would send a request again when it ends.
      keepalive: false,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS + LATE_MS + SLACK_MS),
    });
    const text = await response.text();
    const isReplay = response.headers.get("Idempotent-Replayed") === "true";
    const tookMs = performance.now() - sentAt;
    return {
      ...nothing,
      ending: "answered",
      status: response.status,
      ...readProblem(response, text),
      isReplay,
      text,
      tookMs,
    };
  } catch (error) {
    const ending = (error as Error).name === "TimeoutError" ? "hung" : "dropped";
    return { ...nothing, ending, text: String(error), tookMs: performance.now() - sentAt };
  }
}

/** `committed`, `not-committed`, `in-progress` or `unknown`. */
export async function askOutcome(url: string, key: string): Promise<string> {
  const response = await fetch(`${url}/api/outcomes/${key}`, { keepalive: false });
  return ((await response.json()) as { outcome?: string }).outcome ?? `status ${response.status}`;
}

export function isSuccess({ status }: Answer): boolean {
  return status === 200 || status === 201;
}

/** For messages. */
export function describeAnswer({ id, way, ending, status, code, outcome, tookMs, text }: Answer): string {
  const answer = ending === "answered" ? `${status} ${code ?? ""} ${outcome ?? ""}` : ending;
  return `${way} ${id}: ${answer} after ${Math.round(tookMs)} ms: ${text.slice(0, 300)}`;
}

function readProblem({ ok }: Response, text: string): Partial<Pick<Answer, "code" | "outcome">> {
  if (ok) return {};
  try {
    const { code, outcome } = JSON.parse(text) as Pick<Answer, "code" | "outcome">;
    return { code, outcome };
  } catch {
    return {};
  }
}
