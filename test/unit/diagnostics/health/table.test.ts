import { expect, test } from "bun:test";
import { CHECKS } from "../../../../src/diagnostics/checks.ts";
import { severityOf, TABLE } from "../../../../src/diagnostics/health/table.ts";
import { HEALTH_CHECKS } from "../../../../src/diagnostics/health-checks.ts";

test("every row of the table is a check, and every check stands in the table", () => {
  const rows = Object.values(TABLE).map(({ id }) => id as string);
  expect(HEALTH_CHECKS.map(({ id }) => id)).toEqual(rows);
});

test("ids are stable names: short, in small letters, and each there once", () => {
  const ids = CHECKS.map(({ id }) => id);
  expect(ids.filter((id) => !/^[a-z][a-z0-9]*(-[a-z]+)*$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});

test("health is asked of a server that answers, and of no other", () => {
  for (const check of HEALTH_CHECKS) expect(check).toMatchObject({ group: "health", needs: ["query"] });
});

test("a check that may only warn has no limit from which it fails", () => {
  for (const { id, worst, limits } of Object.values(TABLE)) {
    expect([id, "fail" in limits]).toEqual([id, worst === "fail" && id !== "replication-slots"]);
    if (worst === "pass") expect([id, limits]).toEqual([id, {}]);
  }
});

test.each([
  [TABLE.idleInTransaction, "Warns from 60 s on, fails from 10 min on."],
  [TABLE.connections, "Warns from 80 % on, fails from 95 % on."],
  [TABLE.wraparound, "Warns from 650 M transactions on, fails from 1,500 M transactions on."],
  [TABLE.deadlocks, "Warns from 1 a day on."],
  [TABLE.invalidIndexes, "A finding is a failure."],
  [TABLE.cacheHits, "For information."],
])("%j is told as a sentence", (row, sentence) => {
  expect(severityOf(row)).toBe(sentence);
});

test("every check explains itself, with its limits", () => {
  for (const { about } of HEALTH_CHECKS) {
    expect(about).toMatch(/^(Whether|How|What|[A-Z]\w+s?) .*\. (Warns|Fails|A finding|For information)[^.]*\.$/);
  }
});
