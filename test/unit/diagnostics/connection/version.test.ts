import { expect, test } from "bun:test";
import { judgeVersion } from "../../../../src/diagnostics/connection/version.ts";

const NOW = Date.parse("2026-06-15");

test.each([
  ["18.1", "18.1, gets fixes until 2030-11-14", undefined],
  ["14.22", "14.22, gets fixes until 2026-11-12", undefined],
  ["13.23", "13.23, no fixes since 2025-11-13", "13 has got no fixes since 2025-11-13"],
  ["9.6.24", "9.6.24, no fixes for many years", "9 has got no fixes for many years"],
  ["19beta1", "19beta1, newer than deby knows", undefined],
])("%s: %s", (version, evidence, unfixed) => {
  expect(judgeVersion(version, NOW)).toEqual({ evidence, ...(unfixed === undefined ? {} : { unfixed }) });
});

test("the last day is still one with fixes", () => {
  expect(judgeVersion("14.22", Date.parse("2026-11-12T23:00:00Z")).unfixed).toBeUndefined();
  expect(judgeVersion("14.22", Date.parse("2026-11-13T01:00:00Z")).unfixed).toBeDefined();
});
