import { expect, test } from "bun:test";
import { concludeRuns } from "../../../src/commands/outage-conclusion.ts";
import { StrayErrors } from "../../../src/commands/outage-stray.ts";
import { createLog } from "../../../src/core/log.ts";
import { HealFailed } from "../../../src/outage/experiment.ts";
import { InterruptionSource } from "../../../src/outage/interruption.ts";
import type { OutageRun } from "../../../src/outage/run-outage.ts";
import { fakeIo } from "./fake-io.ts";

const INTERRUPTED: OutageRun = {
  result: undefined,
  failure: undefined,
  isInterrupted: true,
  cleanUpFailures: [],
  serverLog: "",
};

/** What is told, and how it ends, of a run during which these errors strayed. */
function concludeAfter(errors: readonly unknown[], run: Partial<OutageRun>) {
  const { stderr, err } = fakeIo();
  const log = createLog({ format: "json", level: "info", stream: stderr, isTerminal: false, hasColors: false });
  const interruption = new InterruptionSource();
  const stray = new StrayErrors(interruption);
  for (const error of errors) stray.take(error);
  const conclude = () => stray.conclude(log, () => concludeRuns([{ ...INTERRUPTED, ...run }], log));
  return { interruption, err, conclude };
}

test("StrayErrors interrupts at the first error, and no other hurries the healing, nor one after a Ctrl-C", () => {
  const { interruption } = concludeAfter([new Error("first"), new Error("second")], {});
  expect([interruption.signal.aborted, interruption.hurry.aborted]).toEqual([true, false]);

  const interrupted = new InterruptionSource();
  interrupted.request();
  new StrayErrors(interrupted).take(new Error("after it"));
  expect(interrupted.hurry.aborted).toBe(false);
});

test.each([
  ["what could not be removed", { cleanUpFailures: [{ what: "the container db", reason: "no space left" }] }],
  ["that healing failed", { failure: new HealFailed("The fault could not be healed: no space left") }],
] as const)("StrayErrors.conclude() lets be told %s, which outweighs the error", (_, run) => {
  const { err, conclude } = concludeAfter([new Error("first"), new Error("second")], run);
  expect(conclude()).toBe(4);
  expect(err()).toContain("no space left");
  expect(err()).toContain("Unexpected error: first");
});

test.each([
  ["an error", new Error("first")],
  ["even undefined", undefined],
])("StrayErrors.conclude() throws %s where nothing is left behind", (_, error) => {
  const { conclude } = concludeAfter([error, new Error("second")], {});
  let thrown: unknown = "nothing";
  try {
    conclude();
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toBe(error);
});

test("StrayErrors.conclude() tells why the run failed, and throws the error that strayed", () => {
  const { err, conclude } = concludeAfter([new Error("first")], { failure: new Error("not steady") });
  expect(conclude).toThrow("first");
  expect(err()).toContain("not steady");
});

test("StrayErrors.conclude() is what the run came to where nothing strayed", () => {
  expect(concludeAfter([], {}).conclude()).toBe(130);
});
