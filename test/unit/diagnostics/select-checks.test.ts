import { expect, test } from "bun:test";
import type { Check } from "../../../src/diagnostics/check.ts";
import { selectChecks } from "../../../src/diagnostics/select-checks.ts";

function check(id: string, group: Check["group"], needs: readonly string[] = []): Check {
  return { id, title: id, group, needs, run: async () => ({ status: "pass", evidence: "" }) };
}

const ALL = [
  check("dns", "connection"),
  check("tcp", "connection", ["dns"]),
  check("query", "connection", ["tcp"]),
  check("locks", "health", ["query"]),
  check("slots", "health", ["query"]),
];

function idsOf(wishes: Parameters<typeof selectChecks>[1]) {
  const { checks, isReported } = selectChecks(ALL, wishes);
  const reported = checks.filter(({ id }) => isReported({ id, status: "pass" }));
  return { run: checks.map(({ id }) => id), reported: reported.map(({ id }) => id) };
}

test("without wishes all checks are run and reported", () => {
  expect(idsOf({}).reported).toEqual(["dns", "tcp", "query", "locks", "slots"]);
});

test("what a wanted check needs is run, and reported only where it fails", () => {
  expect(idsOf({ only: ["locks"] })).toEqual({ run: ["dns", "tcp", "query", "locks"], reported: ["locks"] });
  const { isReported } = selectChecks(ALL, { only: ["locks"] });
  expect(isReported({ id: "tcp", status: "warn" })).toBe(false);
  expect(isReported({ id: "tcp", status: "fail" })).toBe(true);
  expect(isReported({ id: "tcp", status: "unknown" })).toBe(true);
});

test("a check that is skipped and that nobody needs is not run", () => {
  expect(idsOf({ skip: ["slots", "tcp"] })).toEqual({
    run: ["dns", "tcp", "query", "locks"],
    reported: ["dns", "query", "locks"],
  });
});

test("groups stand for their checks", () => {
  expect(idsOf({ only: ["health"], skip: ["locks"] }).reported).toEqual(["slots"]);
  expect(idsOf({ skip: ["health"] }).run).toEqual(["dns", "tcp", "query"]);
});

test("a name that nobody has is refused, with the one that was probably meant", () => {
  expect(() => selectChecks(ALL, { only: ["lock"] })).toThrow('--only names no check: "lock"; did you mean locks?');
  expect(() => selectChecks(ALL, { skip: ["xyz"] })).toThrow("deby check --list shows them");
  expect(() => selectChecks(ALL, { only: ["dns"], skip: ["connection"] })).toThrow("leave no check");
});
