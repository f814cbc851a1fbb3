import { expect, test } from "bun:test";
import type { DatabaseTarget } from "../../../src/config/types.ts";
import type { Check, CheckContext, Finding, Subject } from "../../../src/diagnostics/check.ts";
import { exitCodeOf, makeReport } from "../../../src/diagnostics/report-model.ts";
import { runChecks } from "../../../src/diagnostics/run-checks.ts";
import { Session } from "../../../src/diagnostics/session.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const TARGET: DatabaseTarget = {
  hosts: [{ host: "127.0.0.1", port: 5432 }],
  database: "shop",
  user: "app",
  password: undefined,
  sslmode: "prefer",
  sslRootCert: undefined,
  applicationName: "deby",
  targetSessionAttrs: "any",
};
const SUBJECT: Subject = { target: TARGET, settings: [], warnings: [], connectTimeoutMs: 5_000, os: "linux" };

function checkThat(
  id: string,
  needs: readonly string[],
  run: Finding["status"] | ((context: CheckContext) => Promise<Finding>),
): Check {
  const found = async () => ({ status: run, evidence: id }) as Finding;
  return { id, title: id, group: "connection", needs, run: typeof run === "string" ? found : run };
}

function runAll(
  checks: readonly Check[],
  options: { readonly clock?: ManualClock; readonly signal?: AbortSignal } = {},
) {
  const { clock = new ManualClock(), signal = new AbortController().signal } = options;
  return runChecks(checks, { subject: SUBJECT, session: new Session(clock) }, { clock, timeoutMs: 1_000, signal });
}

test("a check that needs one which failed is skipped, and so is what needs it in turn", async () => {
  const results = await runAll([
    checkThat("a", [], "pass"),
    checkThat("b", ["a"], "fail"),
    checkThat("c", ["b"], "pass"),
    checkThat("d", ["c"], "pass"),
    checkThat("e", ["a"], "pass"),
  ]);
  expect(results.map(({ id, status }) => `${id} ${status}`)).toEqual([
    "a pass",
    "b fail",
    "c skip",
    "d skip",
    "e pass",
  ]);
  expect(results[3]?.evidence).toBe("not tried, since b failed");
});

test("a warning stands in nobody's way", async () => {
  const results = await runAll([checkThat("a", [], "warn"), checkThat("b", ["a"], "pass")]);
  expect(results.map(({ status }) => status)).toEqual(["warn", "pass"]);
});

test("a check that throws is unknown, which is no pass", async () => {
  const results = await runAll([
    checkThat("a", [], () => {
      throw new Error("out of order");
    }),
    checkThat("b", ["a"], "pass"),
  ]);
  expect(results[0]).toMatchObject({ status: "unknown", cause: "This could not be found out: out of order" });
  expect(results[1]).toMatchObject({ status: "skip", evidence: "not tried, since a could not be decided" });
  expect(exitCodeOf(makeReport(SUBJECT, results, []))).toBe(3);
});

test("a check that overruns its deadline is unknown, and the next has a deadline of its own", async () => {
  const clock = new ManualClock();
  const deadlines: number[] = [];
  const running = runAll(
    [
      checkThat("a", [], ({ deadlineAt }) => {
        deadlines.push(deadlineAt);
        return new Promise(() => {});
      }),
      checkThat("b", [], async ({ deadlineAt }) => {
        deadlines.push(deadlineAt);
        return { status: "pass", evidence: "" };
      }),
    ],
    { clock },
  );
  await clock.advance(1_500);
  const results = await running;
  expect(results.map(({ status }) => status)).toEqual(["unknown", "pass"]);
  expect(results[0]).toMatchObject({ evidence: "No result within 1000 ms", ms: 1_500 });
  expect(deadlines).toEqual([1_000, 2_500]);
  expect(clock.pending).toBe(0);
});

test("an interruption ends the run", async () => {
  const interrupted = new AbortController();
  const running = runAll([checkThat("a", [], () => new Promise(() => {}))], { signal: interrupted.signal });
  interrupted.abort();
  await expect(running).rejects.toMatchObject({ code: "ABORT_ERR" });
});

test.each([
  [["pass", "warn"], 0],
  [["pass", "unknown"], 3],
  [["unknown", "fail"], 1],
] as const)("%j gives exit code %i", async (statuses, exitCode) => {
  const results = await runAll(statuses.map((status, index) => checkThat(String(index), [], status)));
  expect(exitCodeOf(makeReport(SUBJECT, results, []))).toBe(exitCode);
});
