import { describe, expect, test } from "bun:test";
import { type BackendLook, judge } from "../../../src/database/stall-check.ts";

const at = (state: string | null, stateChange: string | null, waitEvent: string | null = null): BackendLook => ({
  pid: 7,
  startedAt: "t0",
  state,
  stateChange,
  waitEvent,
});

describe("the verdict on a backend", () => {
  const cases: [string, BackendLook | undefined, BackendLook | undefined, ReturnType<typeof judge>][] = [
    ["gone", undefined, undefined, "dead"],
    ["idle since before", at("idle", "t1"), at("idle", "t1"), "dead"],
    ["idle in transaction since before", at("idle in transaction", "t1"), at("idle in transaction", "t1"), "dead"],
    [
      "idle in a failed transaction",
      at("idle in transaction (aborted)", "t1"),
      at("idle in transaction (aborted)", "t1"),
      "dead",
    ],
    ["idle, but it has worked in between", at("idle", "t1"), at("idle", "t2"), "answered"],
    ["idle first, then at work", at("idle", "t1"), at("active", "t2"), "working"],
    ["at work, then idle", at("active", "t1"), at("idle", "t2"), "answered"],
    ["at work", at("active", "t1"), at("active", "t1"), "working"],
    ["waiting for our next message", at("active", "t1", "ClientRead"), at("active", "t1", "ClientRead"), "dead"],
    ["waiting for our next message by now", at("active", "t1"), at("active", "t1", "ClientRead"), "answered"],
    ["waiting for a lock", at("active", "t1", "relation"), at("active", "t1", "relation"), "working"],
    ["waiting for its standby", at("active", "t1", "SyncRep"), at("active", "t1", "SyncRep"), "working"],
    ["unable to send", at("active", "t1", "ClientWrite"), at("active", "t1", "ClientWrite"), "blocked"],
    ["unable to send at first", at("active", "t1", "ClientWrite"), at("active", "t1"), "working"],
    ["gone in between", at("active", "t1"), undefined, "answered"],
    ["hidden from our role", at(null, null), at(null, null), "working"],
  ];
  for (const [name, first, second, verdict] of cases) {
    test(`${name}: ${verdict}`, () => {
      expect(judge(first, second)).toBe(verdict);
    });
  }
});
