import { systemClock } from "../../../src/core/clock.ts";
import type { Outcome } from "../../../src/errors.ts";
import { HttpClient, NoAnswer } from "../../../src/outage/http-client.ts";
import type { LedgerEntry, RequestKind } from "./ledger.ts";
import { OwnStalls } from "./own-stalls.ts";

/** An answer that is so late counts as none at all. */
const HUNG_AFTER_MS = 5000;

export interface FaultRequest {
  readonly kind: RequestKind;
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly id?: string;
  /** How long the server is made to sleep for it. Default 0. */
  readonly workMs?: number;
}

/** Sends each request exactly once and writes down what became of it. */
export class FaultClient implements Disposable {
  readonly entries: LedgerEntry[] = [];
  /** Which rows are written from now on; part of their path and of the table's key. */
  segment = 0;
  readonly #http: HttpClient;
  readonly #deadlineMs: number;
  readonly #stalls = new OwnStalls();

  constructor(port: number, requestTimeoutMs: number) {
    this.#http = new HttpClient({ host: "127.0.0.1", port, clock: systemClock });
    this.#deadlineMs = requestTimeoutMs;
  }

  /** Never rejects: a request without an answer is an entry too. */
  async send({ kind, method, path, id, workMs = 0 }: FaultRequest): Promise<LedgerEntry> {
    const asked = { kind, path, id, segment: this.segment, workMs };
    const entry: LedgerEntry = { ...OPEN, ...asked, sentAt: performance.now() };
    this.entries.push(entry);
    try {
      const { status, body } = await this.#http.request({ method, path, limitMs: this.#deadlineMs + HUNG_AFTER_MS });
      Object.assign(entry, { ending: "answered", status, ...readBody(status, body) });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      Object.assign(entry, { ending: error.ending, detail: error.code });
    }
    entry.endedAt = performance.now();
    const deadlineAt = entry.sentAt + this.#deadlineMs;
    if (entry.endedAt > deadlineAt) entry.unreadMs = this.#stalls.since(deadlineAt);
    return entry;
  }

  /** Takes the entries of a segment out of the ledger. */
  take(segment: number): LedgerEntry[] {
    const taken = this.entries.filter((entry) => entry.segment === segment);
    const left = this.entries.filter((entry) => entry.segment !== segment);
    this.entries.splice(0, this.entries.length, ...left);
    return taken;
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
    this.#stalls[Symbol.dispose]();
  }
}

const OPEN = {
  ending: "open",
  endedAt: undefined,
  unreadMs: 0,
  status: undefined,
  code: undefined,
  outcome: undefined,
  detail: undefined,
  body: undefined,
} as const;

function readBody(status: number, text: string): Partial<LedgerEntry> {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { detail: `No JSON: ${text.slice(0, 100)}` };
  }
  if (status < 400) return { body };
  const { code, outcome, detail } = body as { code?: string; outcome?: Outcome; detail?: string };
  return { code, outcome, detail };
}
