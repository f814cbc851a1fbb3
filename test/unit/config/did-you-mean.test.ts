import { expect, test } from "bun:test";
import { closest } from "../../../src/config/did-you-mean.ts";

test.each([
  ["pol-max", "pool-max"],
  ["pool-mxa", "pool-max"],
  ["POOL-MIN", "pool-min"],
])("closest() takes %p for %p", (received, meant) => {
  expect(closest(received, ["pool-max", "pool-min", "port"])).toBe(meant);
});

test("closest() offers nothing when nothing is near", () => {
  expect(closest("frobnicate", ["pool-max", "port"])).toBeUndefined();
  expect(closest("ab", ["cd"])).toBeUndefined();
});
