import { expect, test } from "bun:test";
import { databaseFlags, durationFlag, settingFlags } from "../../../src/commands/flags.ts";
import { SETTINGS } from "../../../src/config/schema.ts";

test("settingFlags() offers a command the settings that are declared for it, and a file for each secret", () => {
  expect(Object.keys(settingFlags("serve"))).toEqual(expect.arrayContaining(["pool-max", "admin-token-file"]));
  expect(Object.keys(settingFlags("check"))).not.toContain("pool-max");
  expect(Object.keys(settingFlags("simulate-outage"))).toEqual([
    "request-timeout",
    "retry-interval",
    "image",
    "log-format",
    "log-level",
  ]);
});

test("no two flags of serve share a name", () => {
  const names = [...Object.keys(databaseFlags()), ...Object.keys(settingFlags("serve")), "print-config", "json"];
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(SETTINGS.map(({ name }) => name)).size).toBe(SETTINGS.length);
});

test("durationFlag() reads a flag, knows when it was not given, and refuses what is no duration", () => {
  expect(durationFlag({ wait: "60s" }, "wait")).toBe(60_000);
  expect(durationFlag({}, "wait")).toBeUndefined();
  expect(() => durationFlag({ wait: "60" }, "wait")).toThrow(
    '--wait must be a duration such as 250ms, 10s, 5m or 1h, received "60"',
  );
});
