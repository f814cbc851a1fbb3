import { expect, test } from "bun:test";
import { endProcess } from "../../../src/outage/own-process.ts";

/** More than any system counts to. */
const NOBODY = 2 ** 30;

test("a process that has ended meanwhile is no failure", async () => {
  await using child = Bun.spawn(["sleep", "60"]);
  endProcess(child.pid);
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(() => process.kill(NOBODY, 0)).toThrow("ESRCH");
  endProcess(NOBODY);
});
