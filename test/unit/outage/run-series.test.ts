import { expect, test } from "bun:test";
import { DebyError } from "../../../src/errors.ts";
import { HealFailed } from "../../../src/outage/experiment.ts";
import { ImpossibleScenario } from "../../../src/outage/impossible-scenario.ts";
import type { OutagePlan, OutageRun } from "../../../src/outage/run-outage.ts";
import { planSeries, runSeries } from "../../../src/outage/run-series.ts";
import { judgeSeries } from "../../../src/outage/series.ts";
import { RESULT } from "../reports/outage-sample.ts";

const KEPT: OutageRun = {
  result: { ...RESULT, report: { ...RESULT.report, verdict: "kept" } },
  failure: undefined,
  isInterrupted: false,
  cleanUpFailures: [],
  serverLog: "",
};
const failing = (failure: unknown): OutageRun => ({ ...KEPT, result: undefined, failure });

const plansOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ scenario: { name: `scenario-${index + 1}` } }) as OutagePlan);

/** Runs as many plans as there are ends, and one that must not be begun if the series stops before it. */
async function series(...ends: readonly OutageRun[]) {
  const begun: string[] = [];
  const end = await runSeries(plansOf(ends.length + 1), {
    run: (plan) => {
      begun.push(plan.scenario.name);
      return Promise.resolve(ends[begun.length - 1] ?? KEPT);
    },
    onStart() {},
    onEnd() {},
  });
  return { begun: begun.length, kinds: end.reports.map(({ kind }) => kind), verdict: judgeSeries(end.reports) };
}

test("planSeries() runs each scenario as often as is wanted, no two runs with the same seed", () => {
  expect(planSeries(["stop", "kill"], { repeat: 2, seed: 40 })).toEqual([
    { scenario: "stop", seed: 40 },
    { scenario: "stop", seed: 41 },
    { scenario: "kill", seed: 42 },
    { scenario: "kill", seed: 43 },
  ]);
});

test("runSeries() goes on after a run that was broken, refused, or could not be run", async () => {
  const broken: OutageRun = { ...KEPT, result: RESULT };
  const refused = failing(new ImpossibleScenario("The target cannot do it"));
  const failed = failing(new DebyError("CANNOT_RUN", "The fault could not be verified"));
  expect(await series(broken, refused, failed)).toEqual({
    begun: 4,
    kinds: ["judged", "refused", "failed", "judged"],
    verdict: "broken",
  });
  expect(await series(refused)).toMatchObject({ verdict: "kept" });
  expect(await series(failed)).toMatchObject({ verdict: "incomplete" });
  const untouchable = failing(new DebyError("USAGE", "Refused: others are connected to it"));
  expect(await series(untouchable)).toMatchObject({ kinds: ["failed", "judged"], verdict: "incomplete" });
});

test.each([
  ["an interruption", { ...failing(undefined), isInterrupted: true }],
  ["a fault that is still there", failing(new HealFailed("no space left"))],
  ["something that was left behind", { ...KEPT, cleanUpFailures: [{ what: "the container", reason: "busy" }] }],
])("runSeries() ends with %s, and tells what was not run", async (_, end) => {
  const { begun, kinds, verdict } = await series(end);
  expect(begun).toBe(1);
  expect(kinds[1]).toBe("failed");
  expect(verdict).toBe("incomplete");
});
