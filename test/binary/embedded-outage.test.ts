import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutageReport } from "../../src/outage/report-model.ts";
import type { DebyProcess } from "../support/executable.ts";
import { isAlive } from "../support/serve-embedded.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { waitUntil } from "../support/wait-until.ts";
import { ENDED_WITHIN_MS, OutageBench, QUICK, REACHED_WITHIN_MS } from "./simulate-outage-bench.ts";

/** Most of a run is waiting. */
const besides = testsAtOnce(2);

/** A machine on which no Docker engine answers. */
const WITHOUT_DOCKER = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
const makeBench = () => new OutageBench(makeTempFolder("outage"), "postgres:0-nowhere");

async function embeddedPid(deby: DebyProcess): Promise<number> {
  const [, pid = ""] = await deby.waitForLine(/waiting for the embedded PostgreSQL, process (\d+)/, 20_000);
  return Number(pid);
}

describe("deby simulate-outage on the embedded database", () => {
  test("is what happens without Docker and without options: it says so, passes within a minute, leaves nothing", async () => {
    await using bench = makeBench();
    const file = join(bench.path, "report.json");
    const startedAt = performance.now();
    const deby = await bench.start(["--report", `json=${file}`], WITHOUT_DOCKER);
    await deby.waitForLine(/target embedded, since Docker is no choice here: Cannot (reach|find) the [Dd]ocker/);
    const pid = await embeddedPid(deby);
    const { exitCode, stdout, stderr } = await deby.waitForExit(REACHED_WITHIN_MS);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    const report = JSON.parse(readFileSync(file, "utf8")) as OutageReport;
    expect(report).toMatchObject({ scenario: "stop", target: "embedded", verdict: "kept" });
    expect(report.writes).toMatchObject({ lost: 0, duplicated: 0 });
    expect(report.requests.held).toBeGreaterThan(100);
    expect(stdout).toContain(`embedded PostgreSQL, process ${pid} on 127.0.0.1:`);
    expect(isAlive(pid)).toBe(false);
    await bench.expectNothingLeft();
  }, 90_000);

  besides.each([["restart"], ["refuse"], ["exhaust"], ["start-down"]])("can %s it", async (scenario) => {
    await using bench = makeBench();
    const deby = await bench.start(["--target", "embedded", "--scenario", scenario, "--json", ...QUICK]);
    const { exitCode, stdout, stderr } = await deby.waitForExit(REACHED_WITHIN_MS);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ scenario, target: "embedded", verdict: "kept", writes: { lost: 0 } });
    await bench.expectNothingLeft();
  });

  besides("several runs are summed up in one table and in every kind of file", async () => {
    await using bench = makeBench();
    const file = (format: string) => join(bench.path, `report.${format}`);
    const reports = ["json", "md", "html", "junit"].map((format) => `${format}=${file(format)}`);
    const args = ["--target", "embedded", "--scenario", "stop,kill", "--seed", "7", "--slo", "ttr<30s"];
    const slow = ["--slo", "steady<=1ms", "--report", reports.join(",")];
    const deby = await bench.start([...args, ...slow, ...QUICK]);
    const { exitCode, stdout, stderr } = await deby.waitForExit(REACHED_WITHIN_MS);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
    expect(stderr).toContain("Run 2 of 2: kill");
    expect(stderr).toContain("stop broken: steady<=1ms");
    const series = JSON.parse(readFileSync(file("json"), "utf8"));
    expect(series).toMatchObject({
      schema: "deby.outage-series/1",
      verdict: "broken",
      summary: [{ scenario: "stop" }, { scenario: "kill" }],
    });
    expect(series.runs.map(({ seed }: OutageReport) => seed)).toEqual([7, 8]);
    for (const { slos } of series.runs as OutageReport[]) {
      const bySlo = Object.fromEntries(slos.map(({ expression, kept }) => [expression, kept]));
      expect(bySlo).toMatchObject({ "ttr<30s": true, "lost==0": true, "steady<=1ms": false });
      expect(bySlo).not.toHaveProperty("steady<=10s");
    }
    expect(stdout).toMatch(/✗ BROKEN kill +1 /);
    expect(readFileSync(file("md"), "utf8")).toContain("| ✗ BROKEN | kill | 1 |");
    expect(readFileSync(file("html"), "utf8")).toContain('id="run-2"');
    expect(readFileSync(file("junit"), "utf8")).toContain('<testsuite name="outage.kill"');
    await bench.expectNothingLeft();
  });

  test("can freeze it, and everything goes on when it is thawed", async () => {
    await using bench = makeBench();
    const deby = await bench.start(["--target", "embedded", "--scenario", "pause", "--json", "--outage", "8s"]);
    const { exitCode, stdout, stderr } = await deby.waitForExit(REACHED_WITHIN_MS);
    const report = JSON.parse(stdout) as OutageReport;
    console.log(`pause: ${JSON.stringify(report.figures)}`);
    expect(report).toMatchObject({ scenario: "pause", writes: { lost: 0, duplicated: 0 }, requests: { hung: 0 } });
    // Nobody hears that a server is frozen. On a slow machine it may take a little longer than promised to find out.
    const broken = report.slos.filter(({ kept }) => !kept).map(({ expression }) => expression);
    expect({ broken: broken.filter((expression) => expression !== "ttd<5s"), stderr }).toMatchObject({ broken: [] });
    expect(report.figures.ttdMs).toBeLessThan(7000);
    expect(exitCode).toBe(broken.length === 0 ? 0 : 1);
    await bench.expectNothingLeft();
  }, 180_000);

  besides.each([["SIGINT"], ["SIGKILL"]])(
    "leaves no database behind when it gets %s in mid-outage, even a frozen one",
    async (signal) => {
      await using bench = makeBench();
      const deby = await bench.start(["--target", "embedded", "--scenario", "pause", "--warmup=1s", "--outage=60s"]);
      const pid = await embeddedPid(deby);
      await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
      deby.kill(signal);
      const result = await deby.waitForExit(ENDED_WITHIN_MS);
      if (signal === "SIGINT") {
        expect(result.exitCode).toBe(130);
      } else {
        await bench.waitForWatchdog(5000);
      }
      await waitUntil("the database is gone", () => !isAlive(pid), { deadlineMs: 2000 });
      await bench.expectNothingLeft();
    },
  );
});
