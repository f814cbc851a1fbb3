import { expect, test } from "bun:test";
import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import { findRecovery, lastUnsteadyAt } from "../../../src/outage/recovery.ts";
import { makeEntry, makeFailure, makeOpen, saw } from "./entries.ts";

const HEALED_AT = 1_000;
const successAt = (endedAt: number, changes: Partial<LedgerEntry> = {}) =>
  makeEntry({ intendedAt: endedAt - 5, endedAt, ...changes });
const seen = (...entries: readonly LedgerEntry[]) => ({ entries, health: [saw(0, "up")] });
const failureAt = (endedAt: number) => makeFailure({ intendedAt: endedAt - 5, endedAt });
const successes = (...times: readonly number[]) => times.map((at) => successAt(at));

test("findRecovery() is the answer of the first of five successful writes", () => {
  expect(findRecovery(successes(1_400, 1_420, 1_440, 1_460, 1_480, 1_500), HEALED_AT)).toBe(1_400);
});

test("findRecovery() is undefined with four", () => {
  expect(findRecovery(successes(1_400, 1_420, 1_440, 1_460), HEALED_AT)).toBeUndefined();
});

test("findRecovery() starts over after a failure", () => {
  const entries = [
    ...successes(1_400, 1_410, 1_420, 1_430),
    failureAt(1_440),
    ...successes(1_450, 1_460, 1_470, 1_480, 1_490),
  ];
  expect(findRecovery(entries, HEALED_AT)).toBe(1_450);
});

test("findRecovery() goes by the order of the answers, not of the starts", () => {
  const held = makeEntry({ intendedAt: 10, endedAt: 1_399 });
  const entries = [held, ...successes(1_420, 1_410, 1_430, 1_440)];
  expect(findRecovery(entries, HEALED_AT)).toBe(1_399);
});

test("findRecovery() counts neither reads nor what was answered before the healing", () => {
  const entries = [
    ...successes(900, 950, 1_000),
    ...[1_100, 1_110, 1_120].map((at) => successAt(at, { kind: "read" })),
    ...successes(1_400, 1_410),
  ];
  expect(findRecovery(entries, HEALED_AT)).toBeUndefined();
});

test("lastUnsteadyAt() is undefined while all is well", () => {
  expect(lastUnsteadyAt(seen(...successes(10, 20), makeOpen({ intendedAt: 500 })), 600)).toBeUndefined();
});

test("lastUnsteadyAt() is the last failure or slow answer", () => {
  const slow = makeEntry({ intendedAt: 0, endedAt: 1_500 });
  expect(lastUnsteadyAt(seen(failureAt(1_200), slow, ...successes(1_600)), 1_700)).toBe(1_500);
});

test("lastUnsteadyAt() is now while a request waits for more than a second", () => {
  expect(lastUnsteadyAt(seen(makeOpen({ intendedAt: 100 })), 1_200)).toBe(1_200);
});

test("lastUnsteadyAt() is the last look at its health that found it unwell", () => {
  const health = [saw(0, "up"), saw(1_300, "reconnecting"), saw(1_320, "up")];
  expect(lastUnsteadyAt({ entries: successes(1_600), health }, 1_700)).toBe(1_300);
  expect(lastUnsteadyAt({ entries: [failureAt(1_400)], health }, 1_700)).toBe(1_400);
});
