import { expect, test } from "bun:test";
import { judgeVersion } from "../../../../src/diagnostics/connection/version.ts";

const NOW = Date.parse("2026-06-15");

test.each([
  ["18.1", "pass", "18.1, gets fixes until 2030-11-14"],
  ["14.22", "pass", "14.22, gets fixes until 2026-11-12"],
  ["13.23", "warn", "13.23, no fixes since 2025-11-13"],
  ["9.6.24", "warn", "9.6.24, no fixes for many years"],
  ["19beta1", "pass", "19beta1, newer than deby knows"],
])("%s: %s", (version, status, evidence) => {
  expect(judgeVersion(version, NOW)).toMatchObject({ status: status as "pass", evidence });
});

test("the last day is still one with fixes", () => {
  expect(judgeVersion("14.22", Date.parse("2026-11-12T23:00:00Z")).status).toBe("pass");
  expect(judgeVersion("14.22", Date.parse("2026-11-13T01:00:00Z")).status).toBe("warn");
});
