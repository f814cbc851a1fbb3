import { expect, test } from "bun:test";
import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import { accountWrites, type WritePromise, writePromise } from "../../../src/outage/write-account.ts";
import { makeEntry, makeFailure } from "./entries.ts";

const dropped = (code: string) => makeEntry({ ending: "dropped", status: undefined, code });

const cases: readonly [string, LedgerEntry, WritePromise][] = [
  ["201", makeEntry(), "applied"],
  ["200", makeEntry({ status: 200 }), "applied"],
  ["an error that says committed", makeFailure({ outcome: "committed" }), "applied"],
  ["not-executed", makeFailure({ outcome: "not-executed" }), "not-applied"],
  ["rolled-back", makeFailure({ outcome: "rolled-back" }), "not-applied"],
  ["unknown", makeFailure({ status: 500, code: "OUTCOME_UNKNOWN", outcome: "unknown" }), "unknown"],
  ["a 5xx that says nothing", makeEntry({ status: 502 }), "unknown"],
  ["a 4xx that says nothing", makeEntry({ status: 404 }), "not-applied"],
  ["a refused connection", dropped("ECONNREFUSED"), "not-applied"],
  ["a reset connection", dropped("ECONNRESET"), "unknown"],
  ["no answer", makeEntry({ ending: "hung", status: undefined }), "unknown"],
  ["one that we cut off", makeEntry({ ending: "cut", status: undefined }), "unknown"],
];

test.each(cases)("writePromise(): %s", (_, entry, expected) => {
  expect(writePromise(entry)).toBe(expected);
});

test("accountWrites() finds nothing wrong where every answer was true", () => {
  const entries = [makeEntry({ id: "a" }), makeFailure({ id: "b" }), makeEntry({ id: "c", status: 502 })];
  const account = accountWrites(entries, new Map([["a", 1]]));
  expect(account).toEqual({
    acknowledged: 1,
    unknown: 1,
    table: { lost: 0, duplicated: 0, copies: 0, strangers: 0, denied: 0, unknownApplied: 0 },
  });
});

test("accountWrites() finds what was acknowledged and is not there", () => {
  const account = accountWrites([makeEntry({ id: "a" }), makeEntry({ id: "b" })], new Map([["b", 1]]));
  expect(account.table?.lost).toBe(1);
});

test("accountWrites() counts as duplicated: copies, ids that nobody wrote, and writes that were denied", () => {
  const entries = [makeEntry({ id: "a" }), makeFailure({ id: "denied" })];
  const rows = new Map([
    ["a", 3],
    ["denied", 1],
    ["stranger", 1],
  ]);
  expect(accountWrites(entries, rows).table).toEqual({
    lost: 0,
    duplicated: 4,
    copies: 2,
    strangers: 1,
    denied: 1,
    unknownApplied: 0,
  });
});

test("accountWrites() tells how many of the unknown writes happened", () => {
  const unknown = (id: string) => makeFailure({ id, status: 500, outcome: "unknown" });
  const account = accountWrites([unknown("a"), unknown("b"), unknown("c")], new Map([["b", 1]]));
  expect(account).toMatchObject({ unknown: 3, table: { unknownApplied: 1, lost: 0, duplicated: 0 } });
});

test("accountWrites() leaves reads alone", () => {
  const account = accountWrites([makeEntry({ id: "a", kind: "read", status: 200 })], new Map());
  expect(account).toMatchObject({ acknowledged: 0, table: { lost: 0 } });
});

test("accountWrites() claims nothing about a table that could not be read", () => {
  expect(accountWrites([makeEntry()], undefined)).toEqual({ acknowledged: 1, unknown: 0, table: null });
});
