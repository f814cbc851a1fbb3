import { expect, test } from "bun:test";
import { classify, countRequests, type LedgerEntry } from "../../../src/outage/ledger.ts";
import { makeEntry, makeFailure, makeOpen } from "./entries.ts";

const REQUEST_TIMEOUT_MS = 30_000;

const cases: readonly [string, LedgerEntry, ReturnType<typeof classify>][] = [
  ["a success within a second is ok", makeEntry({ endedAt: 1_000 }), "ok"],
  ["a success after more than a second was held", makeEntry({ endedAt: 1_001 }), "held"],
  ["an error before the deadline failed fast", makeFailure({ endedAt: 12 }), "failedFast"],
  ["an error at the deadline timed out", makeFailure({ endedAt: 30_000 }), "timedOut"],
  ["504 timed out whenever it comes", makeFailure({ status: 504, endedAt: 2_000 }), "timedOut"],
  ["a dropped connection failed fast", makeEntry({ ending: "dropped", status: undefined }), "failedFast"],
  ["no answer until the limit hung", makeEntry({ ending: "hung", status: undefined, endedAt: 35_000 }), "hung"],
  ["an open request has no class yet", makeOpen(), undefined],
  ["what we cut off is judged by nobody", makeEntry({ ending: "cut", status: undefined }), undefined],
  ["a late start counts as latency", makeEntry({ intendedAt: 0, startedAt: 1_400, endedAt: 1_405 }), "held"],
];

test.each(cases)("classify(): %s", (_, entry, expected) => {
  expect(classify(entry, REQUEST_TIMEOUT_MS)).toBe(expected);
});

test("countRequests() counts each class and each answer", () => {
  const entries = [
    makeEntry(),
    makeEntry({ status: 200, kind: "read" }),
    makeEntry({ endedAt: 4_000 }),
    makeFailure(),
    makeFailure({ status: 404, code: undefined, outcome: undefined }),
    makeEntry({ ending: "dropped", status: undefined, code: "ECONNRESET" }),
    makeEntry({ ending: "hung", status: undefined, code: "ETIMEDOUT", endedAt: 35_000 }),
    makeOpen(),
  ];
  expect(countRequests(entries, REQUEST_TIMEOUT_MS)).toEqual({
    ok: 2,
    held: 1,
    failedFast: 3,
    timedOut: 0,
    hung: 1,
    byCode: {
      "200": 1,
      "201": 2,
      "404": 1,
      "503 DATABASE_UNAVAILABLE": 1,
      "dropped ECONNRESET": 1,
      "no answer": 1,
    },
  });
});
