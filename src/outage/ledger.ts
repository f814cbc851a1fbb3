import type { Outcome } from "../errors.ts";

/** A PUT of a new id, or the GET of an id whose PUT was acknowledged. */
export type RequestKind = "write" | "read";

/**
 * How a request ended: `open` not yet; `answered` with a status; `dropped` by the server's side without an answer;
 * `hung` until its limit; `cut` by us, because the run was interrupted.
 */
type RequestEnding = "open" | "answered" | "dropped" | "hung" | "cut";

/** One request of the load. Times are milliseconds of the run's clock. */
export interface LedgerEntry {
  readonly id: string;
  readonly kind: RequestKind;
  /** When the open-loop schedule wanted it sent: latency counts from here. */
  readonly intendedAt: number;
  /** When it was really sent. */
  readonly startedAt: number;
  readonly ending: RequestEnding;
  readonly endedAt: number | undefined;
  readonly status: number | undefined;
  /** The problem's code, or the socket's; undefined for a success. */
  readonly code: string | undefined;
  /** What the answer said about the statement; undefined where it said nothing. */
  readonly outcome: Outcome | undefined;
}

/** How a request fared, in the report's words; undefined for one that we cut off ourselves. */
export type RequestClass = "ok" | "held" | "failedFast" | "timedOut" | "hung";

export interface RequestCounts extends Record<RequestClass, number> {
  /** By status and code, such as `201` or `503 DATABASE_UNAVAILABLE`. */
  readonly byCode: Record<string, number>;
}

/** A success that took longer counts as held. */
export const HELD_AFTER_MS = 1_000;

/** Milliseconds from the intended start to the end; undefined while open. */
export function latencyMs(entry: LedgerEntry): number | undefined {
  return entry.endedAt === undefined ? undefined : entry.endedAt - entry.intendedAt;
}

/** Whether the client was told that its request succeeded. */
export function succeeded(entry: LedgerEntry): boolean {
  return entry.ending === "answered" && entry.status !== undefined && entry.status >= 200 && entry.status < 300;
}

/**
 * The class of a request. A failure counts as timed out when the server said so (504) or took its whole deadline for
 * it, else as failed fast.
 */
export function classify(entry: LedgerEntry, requestTimeoutMs: number): RequestClass | undefined {
  switch (entry.ending) {
    case "open":
    case "cut":
      return undefined;
    case "hung":
      return "hung";
    case "dropped":
    case "answered": {
      const tookMs = latencyMs(entry) ?? 0;
      if (succeeded(entry)) return tookMs > HELD_AFTER_MS ? "held" : "ok";
      return entry.status === 504 || tookMs >= requestTimeoutMs ? "timedOut" : "failedFast";
    }
    default:
      return entry.ending satisfies never;
  }
}

/** Counts the requests by class and by answer. */
export function countRequests(entries: readonly LedgerEntry[], requestTimeoutMs: number): RequestCounts {
  const counts: RequestCounts = { ok: 0, held: 0, failedFast: 0, timedOut: 0, hung: 0, byCode: {} };
  for (const entry of entries) {
    const requestClass = classify(entry, requestTimeoutMs);
    if (requestClass === undefined) continue;
    counts[requestClass] += 1;
    const label = answerLabel(entry);
    counts.byCode[label] = (counts.byCode[label] ?? 0) + 1;
  }
  return counts;
}

function answerLabel(entry: LedgerEntry): string {
  if (entry.ending === "hung") return "no answer";
  if (entry.status === undefined) return `dropped ${entry.code ?? "without a reason"}`;
  return entry.code === undefined ? String(entry.status) : `${entry.status} ${entry.code}`;
}
