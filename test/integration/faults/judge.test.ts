import { describe, expect, test } from "bun:test";
import type { Fault } from "./fault.ts";
import { makeFigures, type Table } from "./figures.ts";
import { judge } from "./judge.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { Starvation } from "./starvation.ts";

const FAULT: Fault = { name: "a fault", outage: "declared", failedWrites: 1, strike: async () => {} };
const OUTAGES = [
  { breakingAt: 100, closedAt: undefined, brokenAt: 110, noticedAt: undefined, totalUntil: 490, healedAt: 500 },
];
const CHANGES = [
  { at: 120, status: "error", state: "reconnecting", reason: undefined },
  { at: 520, status: "ok", state: "up", reason: undefined },
];

function entry(changed: Partial<LedgerEntry>): LedgerEntry {
  return {
    kind: "query",
    path: "/",
    id: "a",
    segment: 1,
    sentAt: 90,
    workMs: 0,
    ending: "answered",
    endedAt: 510,
    unreadMs: 0,
    status: 200,
    code: undefined,
    outcome: undefined,
    detail: undefined,
    body: {},
    ...changed,
  };
}

const FAILED = { status: 500, code: "OUTCOME_UNKNOWN", outcome: "unknown", endedAt: 115, body: undefined } as const;

interface Case {
  readonly entries?: readonly LedgerEntry[];
  readonly table?: Table;
  readonly fault?: Partial<Fault>;
  readonly events?: readonly string[];
  readonly crashSigns?: readonly string[];
  readonly blindReads?: readonly LedgerEntry[];
  readonly starved?: readonly Starvation[];
}

function judged({ entries = [entry({})], table = new Map([["a", 1]]), ...given }: Case): string[] {
  const watched = { outages: OUTAGES, changes: CHANGES, starved: given.starved ?? [] };
  return judge(
    { ...FAULT, ...given.fault },
    {
      ...watched,
      entries,
      figures: makeFigures(entries, table, watched),
      blindReads: given.blindReads ?? [],
      events: given.events ?? ["db.lost"],
      crashSigns: given.crashSigns ?? [],
      requestTimeoutMs: 1000,
    },
  );
}

test("what the machine starved deby of, or this process left unread, is not held against it", () => {
  const late = entry({ endedAt: 1191 });
  expect(judged({ entries: [late] })).toHaveLength(1);
  expect(judged({ entries: [late], starved: [{ from: 85, to: 91 }] })).toEqual([]);
  expect(judged({ entries: [late], starved: [{ from: 85, to: 90 }] })).toHaveLength(1);
  expect(judged({ entries: [late], starved: [{ from: 1090, to: 1191 }] })).toHaveLength(1);
  expect(judged({ entries: [{ ...late, unreadMs: 1 }] })).toEqual([]);
  const slow = { fault: { recoverWithinMs: 5 } };
  expect(judged({ ...slow, starved: [{ from: 500, to: 504 }] })).toHaveLength(1);
  expect(judged({ ...slow, starved: [{ from: 500, to: 506 }] })).toEqual([]);
});

test("nothing is held against a fault that broke no promise", () => {
  expect(judged({})).toEqual([]);
  expect(judged({ entries: [entry({}), entry({ id: "b", ...FAILED })] })).toEqual([]);
});

describe("what is told", () => {
  test.each([
    ["1 acknowledged writes are missing", { table: new Map() }],
    ["1 writes are there twice", { table: new Map([["a", 2]]) }],
    ["1 writes are there although", { entries: [entry({ ...FAILED, outcome: "rolled-back" })] }],
    ["1 writes are there although", { entries: [entry({ ...FAILED, outcome: "not-executed" })] }],
    ["1 reads did not see", { blindReads: [entry({})] }],
    ["1 without an answer", { entries: [entry({ ending: "hung", status: undefined, outcome: "unknown" })] }],
    ["1 without an answer", { entries: [entry({ ending: "open", endedAt: undefined })] }],
    ["1 answered past the deadline", { entries: [entry({ endedAt: 1191 })] }],
    ["1 writes failed without saying", { entries: [entry({ ...FAILED, outcome: undefined })] }],
    ["1 requests failed that could have waited", { entries: [entry({ ...FAILED, kind: "read", id: undefined })] }],
    ["1 requests failed that could have waited", { entries: [entry({ ...FAILED, sentAt: 130, endedAt: 140 })] }],
    ["2 writes in flight failed, more than 1", { entries: [entry(FAILED), entry({ ...FAILED, id: "b" })] }],
    ["0 outages were declared, 1 happened", { events: [] }],
    ["1 outages were declared where there was none", { fault: { outage: "none" } }],
    ["detected only after 20 ms", { fault: { detectWithinMs: 10 } }],
    ["recovered only after 10 ms", { fault: { recoverWithinMs: 5 } }],
    ["deby printed: panic", { crashSigns: ["panic"] }],
  ] satisfies [string, Case][])("%s", (sentence, given) => {
    expect(judged(given).filter((told) => told.startsWith(sentence))).toHaveLength(1);
  });
});
