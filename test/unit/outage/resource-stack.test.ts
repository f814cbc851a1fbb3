import { expect, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { ResourceStack } from "../../../src/outage/resource-stack.ts";

test("ResourceStack removes the last first, all of them, and tells what failed", async () => {
  const removed: string[] = [];
  const stack = new ResourceStack(systemClock);
  const add = (what: string, remove: () => Promise<void>) => stack.add({ what, limitMs: 20, remove });
  add("first", async () => void removed.push("first"));
  add("broken", () => Promise.reject(new Error("in use")));
  add("stuck", () => new Promise(() => {}));
  add("last", async () => void removed.push("last"));
  await stack[Symbol.asyncDispose]();
  expect(removed).toEqual(["last", "first"]);
  expect(stack.failures).toEqual([
    { what: "stuck", reason: "Not done within 20 ms" },
    { what: "broken", reason: "in use" },
  ]);
});
