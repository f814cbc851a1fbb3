import { expect, test } from "bun:test";
import { idleSeconds, outlastsRequests } from "../../../src/http/idle-seconds.ts";

test("a connection outlives a request by 10 s, or by any time where Bun cannot count so far", () => {
  expect([20, 30_000, 245_000, 245_001].map(idleSeconds)).toEqual([11, 40, 255, 0]);
});

test.each([
  [30, 20_000, true],
  [30, 30_000, false],
  [120, 30_000, true],
  [0, 30_000, true],
  [255, 600_000, false],
  [0, 600_000, true],
])("connections that are idle for %d s at most, 0 for ever, outlast requests of %d ms: %p", (seconds, ms, isSo) => {
  expect(outlastsRequests(seconds, ms)).toBe(isSo);
});
