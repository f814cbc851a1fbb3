import type { Outcome } from "../../../src/errors.ts";

/**
 * `query` and `transaction` write one row with an id of the client's making, and so does `once`, whose id is a key;
 * `read` looks for such a row.
 */
export type RequestKind = "query" | "transaction" | "once" | "read" | "other";

/** One request and what became of it; times are those of `performance.now()`. */
export interface LedgerEntry {
  readonly kind: RequestKind;
  readonly path: string;
  /** Of the row that it writes; undefined for what writes none. */
  readonly id: string | undefined;
  readonly segment: number;
  readonly sentAt: number;
  /** How long the server is made to sleep for it, of all that it takes. */
  readonly workMs: number;
  /** `dropped`: the connection ended without an answer; `hung`: none came long after the deadline. */
  ending: "open" | "answered" | "dropped" | "hung";
  endedAt: number | undefined;
  /** Of the time after its deadline, what its answer may have lain here unread. */
  unreadMs: number;
  status: number | undefined;
  code: string | undefined;
  outcome: Outcome | undefined;
  detail: string | undefined;
  /** The parsed body of a success. */
  body: Readonly<Record<string, unknown>> | undefined;
}

export function isWrite({ kind, id }: LedgerEntry): boolean {
  return kind !== "read" && id !== undefined;
}

export function isSuccess({ ending, status }: LedgerEntry): boolean {
  return ending === "answered" && (status === 200 || status === 201);
}

export function isFailure(entry: LedgerEntry): boolean {
  return entry.ending !== "open" && !isSuccess(entry);
}

/** From the request to its answer, in milliseconds; 0 as long as there is none. */
export function tookMs({ sentAt, endedAt = sentAt }: LedgerEntry): number {
  return endedAt - sentAt;
}

/** For messages: `read 503 DATABASE_UNAVAILABLE not-executed after 12 ms: detail`. */
export function describeEntry(entry: LedgerEntry): string {
  const { kind, ending, status, code, outcome, detail, sentAt, endedAt = sentAt } = entry;
  const answer = ending === "answered" ? `${status} ${code} ${outcome}` : ending;
  return `${kind} ${answer} after ${Math.round(endedAt - sentAt)} ms: ${detail}`;
}
