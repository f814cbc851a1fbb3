import { describe, expect } from "bun:test";
import type { OutageReport } from "../../src/outage/report-model.ts";
import { dockerAvailable } from "../support/docker.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { OutageBench } from "./simulate-outage-bench.ts";

/** Most of a run is waiting. */
const test = testsAtOnce(2);

const SHORT = ["--warmup=1s", "--outage=1s", "--settle=15s"];
/** A silence that ends before anybody may have noticed it proves nothing. */
const SILENT = ["--warmup=1s", "--outage=6s", "--settle=15s"];

/** Without those whose fault is the proxy's alone, which the target proxy is tested with. */
const SCENARIOS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["netcut", SILENT],
  ["fin", SHORT],
  ["flap", SHORT],
  ["terminate-backends", SHORT],
  ["exhaust", SHORT],
  ["read-only", SHORT],
  ["wrong-password", SHORT],
  ["start-down", SHORT],
];

describe.skipIf(!dockerAvailable)("deby simulate-outage on a container", () => {
  test.each(SCENARIOS)("%s: nothing is lost, doubled, unknown or hung, and nothing is left", async (scenario, args) => {
    await using bench = await OutageBench.make();
    const { exitCode, stdout, stderr } = await bench.run([
      "--target=docker",
      "--scenario",
      scenario,
      "--json",
      ...args,
    ]);
    expect({ exitCode, stderr, stdout }).toMatchObject({ exitCode: 0 });
    const report = JSON.parse(stdout) as OutageReport;
    expect(report).toMatchObject({
      scenario,
      verdict: "kept",
      writes: { lost: 0, duplicated: 0, unknown: 0 },
      requests: { hung: 0 },
    });
    console.log(`${scenario}: ${JSON.stringify(report.figures)}`);
    await bench.expectNothingLeft();
  });
});

test("what a target cannot do is refused by name, before anything is made", async () => {
  await using bench = await OutageBench.make();
  const { exitCode, stderr } = await bench.run(["--target=embedded", "--scenario=wrong-password"]);
  expect(stderr).toContain("The target embedded cannot do the scenario wrong-password. It can do: stop, kill,");
  expect(exitCode).toBe(2);
  await bench.expectNothingLeft();
});
