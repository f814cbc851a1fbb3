import { describe, expect, test } from "bun:test";
import type { TargetSessionAttrs } from "../../../src/config/types.ts";
import { nextStep } from "../../../src/database/host-search.ts";

const primary = { isStandby: false, isReadOnly: false };
const standby = { isStandby: true, isReadOnly: true };

interface Seen {
  readonly name: string;
  readonly startedAt: number;
  readonly role?: typeof primary;
  readonly isMute?: boolean;
  readonly isOurs?: boolean;
  readonly isTrusted?: boolean;
  readonly isReached?: boolean;
  readonly isSuccessor?: boolean;
  readonly hasFailed?: boolean;
}

function step(
  seen: readonly Seen[],
  { remaining = 0, now = 0, wanted = "read-write" as TargetSessionAttrs, isPatient = false, canFallBack = true } = {},
) {
  const dials = seen.map(({ name, startedAt, role, hasFailed = false, ...known }) => ({
    isMute: false,
    isOurs: false,
    isTrusted: false,
    isReached: false,
    isSuccessor: false,
    ...known,
    name,
    startedAt,
    isPending: role === undefined && !hasFailed,
    connection: role && { facts: { version: "18.0", connectMs: 1, address: name, ...role } },
  }));
  const next = nextStep({ dials, remaining, now, wanted, isPatient, canFallBack });
  return next.kind === "take" ? { kind: "take", names: next.best.map(({ name }) => name) } : next;
}

describe("a search among several hosts", () => {
  test("dials the first at once, and the next 200 ms later or as soon as the one before has failed", () => {
    expect(step([], { remaining: 2 })).toEqual({ kind: "dial" });
    expect(step([{ name: "a", startedAt: 0 }], { remaining: 1, now: 5 })).toEqual({ kind: "wait", until: 200 });
    expect(step([{ name: "a", startedAt: 0 }], { remaining: 1, now: 200 })).toEqual({ kind: "dial" });
    expect(step([{ name: "a", startedAt: 0, hasFailed: true }], { remaining: 1, now: 5 })).toEqual({ kind: "dial" });
  });

  test("a host that kept silent the last time holds up no other", () => {
    expect(step([{ name: "a", startedAt: 0, isMute: true }], { remaining: 1 })).toEqual({ kind: "dial" });
  });

  test("the server that we are with is enough", () => {
    const ours = { name: "a", startedAt: 0, role: primary, isTrusted: true };
    expect(step([ours], { remaining: 2, now: 3 })).toEqual({ kind: "take", names: ["a"] });
    // Not where it has lost its role.
    expect(step([{ ...ours, role: standby }], { remaining: 2, now: 3 })).toEqual({ kind: "dial" });
  });

  test("any other that takes writes is compared with those that answer soon", () => {
    const found = { name: "a", startedAt: 0, role: primary };
    expect(step([found], { remaining: 1, now: 3 })).toEqual({ kind: "dial" });
    expect(step([found, { name: "b", startedAt: 3 }], { now: 5 })).toEqual({ kind: "wait", until: 203 });
    expect(step([found, { name: "b", startedAt: 3, isMute: true }], { now: 5 })).toEqual({ kind: "wait", until: 103 });
    expect(step([found, { name: "b", startedAt: 3 }], { now: 203 })).toEqual({ kind: "take", names: ["a"] });
    const both = [found, { name: "b", startedAt: 3, role: primary }];
    expect(step(both, { now: 9 })).toEqual({ kind: "take", names: ["a", "b"] });
  });

  test("a host that has accepted and is slow is waited for, unless a successor of ours has answered", () => {
    const found = { name: "a", startedAt: 0, role: primary };
    const slow = { name: "b", startedAt: 3, isReached: true };
    expect(step([found, slow], { now: 300 })).toEqual({ kind: "wait", until: 1003 });
    expect(step([{ ...found, isSuccessor: true }, slow], { now: 5 })).toEqual({ kind: "wait", until: 203 });
    expect(step([{ ...found, isSuccessor: true }, slow], { now: 203 })).toEqual({ kind: "take", names: ["a"] });
    expect(step([found, { ...slow, isMute: true }], { now: 5 })).toEqual({ kind: "wait", until: 103 });
  });

  test("a standby alone is taken once nobody else can be the primary", () => {
    const found = { name: "a", startedAt: 0, role: standby };
    expect(step([found, { name: "b", startedAt: 3 }], { now: 900 })).toEqual({
      kind: "wait",
      until: Number.POSITIVE_INFINITY,
    });
    expect(step([found, { name: "b", startedAt: 3, isMute: true }], { now: 5 })).toEqual({ kind: "wait", until: 103 });
    expect(step([found, { name: "b", startedAt: 3, hasFailed: true }], { now: 5 })).toEqual({
      kind: "take",
      names: ["a"],
    });
  });

  test("a server that takes writes is not left for one that does not, unless it has lost its role itself", () => {
    const ours = { name: "a", startedAt: 0, isOurs: true };
    const other = { name: "b", startedAt: 3, role: standby };
    expect(step([{ ...ours, hasFailed: true }, other], { now: 9, canFallBack: false })).toEqual({ kind: "fail" });
    const demoted = { ...ours, role: standby };
    expect(step([demoted, other], { now: 9, canFallBack: false })).toEqual({ kind: "take", names: ["a"] });
  });

  test("prefer-standby takes a primary where there is no standby", () => {
    const found = { name: "a", startedAt: 0, role: primary };
    const other = { name: "b", startedAt: 3, role: standby };
    expect(step([found, other], { now: 9, wanted: "prefer-standby" })).toEqual({ kind: "take", names: ["b"] });
    expect(step([found, { name: "b", startedAt: 3, hasFailed: true }], { now: 9, wanted: "prefer-standby" })).toEqual({
      kind: "take",
      names: ["a"],
    });
  });

  test("fails when all have failed; one that is as silent as before is waited for by the patient only", () => {
    const failed = { name: "a", startedAt: 0, hasFailed: true };
    expect(step([failed])).toEqual({ kind: "fail" });
    const silent = { name: "b", startedAt: 0, isMute: true };
    expect(step([failed, silent], { now: 100 })).toEqual({ kind: "fail" });
    expect(step([failed, silent], { now: 100, isPatient: true })).toEqual({
      kind: "wait",
      until: Number.POSITIVE_INFINITY,
    });
  });
});
