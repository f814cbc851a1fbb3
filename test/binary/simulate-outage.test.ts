import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutageReport } from "../../src/outage/report-model.ts";
import { dockerAvailable } from "../support/docker.ts";
import type { DebyProcess } from "../support/executable.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { ENDED_WITHIN_MS, OutageBench, QUICK, REACHED_WITHIN_MS } from "./simulate-outage-bench.ts";

/** Most of a run is waiting, and nothing of these is measured. */
const besides = testsAtOnce(2);

const BIT = "--warmup=1s";

describe.skipIf(!dockerAvailable)("deby simulate-outage on a real engine", () => {
  test("without options proves in under a minute that serve keeps its promise, and leaves nothing behind", async () => {
    await using bench = await OutageBench.make();
    const startedAt = performance.now();
    const file = join(bench.path, "report.json");
    const deby = await bench.start(["--target", "docker", "--report", `json=${file}`]);
    const observed = observeRecovery(deby);
    const [, container = ""] = await deby.waitForLine(/waiting for Postgres in (\S+)/, REACHED_WITHIN_MS);
    await bench.noteVolume(container);
    expect(bench.journal()).toMatchObject({
      scenario: "stop",
      heal: [
        ["docker", "unpause", container],
        ["docker", "start", container],
      ],
      remove: [["docker", "rm", "--force", "--volumes", container]],
    });
    const { exitCode, stdout, stderr } = await deby.waitForExit(60_000);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    await bench.expectNothingLeft();

    const report = JSON.parse(readFileSync(file, "utf8")) as OutageReport;
    expectShape(report);
    expect(report.verdict).toBe("kept");
    expect(report.writes).toMatchObject({ lost: 0, duplicated: 0 });
    expect(report.writes.acknowledged).toBeGreaterThan(100);
    expect(report.requests.held).toBeGreaterThan(100);
    expect(report.requests.hung).toBe(0);

    const starts = bench.calls().filter(({ args }) => args[0] === "start");
    const healedAt = starts.at(-1)?.at ?? 0;
    expect(starts).toHaveLength(2);
    const backAt = (await observed).find((at) => at > healedAt) ?? 0;
    expect(Math.abs(backAt - healedAt - Number(report.figures.ttrMs))).toBeLessThan(150);

    for (const part of ["ttd", "dbReady", "ttr", "appLag", "p50", "p99", "acknowledged", "phase", "Verdict: KEPT"]) {
      expect(stdout).toContain(part);
    }
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    const words = bench.calls().flatMap(({ args }) => args);
    expect(words).toContain("POSTGRES_PASSWORD");
    expect(words.filter((word) => word.includes("POSTGRES_PASSWORD="))).toEqual([]);
  }, 90_000);

  besides("--json prints the report on stdout and nothing else", async () => {
    await using bench = await OutageBench.make();
    const { exitCode, stdout } = await bench.run([
      ...QUICK,
      "--json",
      "--seed",
      "7",
      "--rate",
      "40",
      "--writes",
      "50%",
    ]);
    const report = JSON.parse(stdout) as OutageReport;
    expectShape(report);
    expect(report).toMatchObject({ scenario: "stop", target: "docker", seed: 7, verdict: "kept" });
    expect(exitCode).toBe(0);
    await bench.expectNothingLeft();
  });

  besides.each([["kill"], ["restart"]])("can %s the container", async (scenario) => {
    await using bench = await OutageBench.make();
    const { exitCode, stdout, stderr } = await bench.run(["--scenario", scenario, "--json", ...QUICK]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ scenario, target: "docker", verdict: "kept", writes: { lost: 0 } });
    await bench.expectNothingLeft();
  });

  besides("can freeze the container, and leaves none even when it is told to end meanwhile", async () => {
    await using bench = await OutageBench.make();
    const deby = await bench.start(["--scenario", "pause", "--json", "--warmup=1s", "--outage=60s"]);
    await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
    deby.kill("SIGINT");
    const { exitCode, stdout } = await deby.waitForExit(ENDED_WITHIN_MS);
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ scenario: "pause", writes: { lost: 0, duplicated: 0 } });
    await bench.expectNothingLeft();
  });

  besides("a server that does not come back breaks its objectives: exit 1, with its log", async () => {
    // From its next start on, this Postgres takes no write: all who ask for one wait, and no request succeeds again.
    const setting = "default_transaction_read_only = on";
    const append = `docker exec "$container" sh -c 'echo ${setting} >> "$PGDATA/postgresql.auto.conf"'`;
    await using bench = await OutageBench.make(`[ "$1" = stop ] && { for container; do :; done; ${append}; }`);
    const { exitCode, stdout, stderr } = await bench.run([BIT, "--outage=1s", "--settle=2s", "--writes=100%"], {
      DEBY_REQUEST_TIMEOUT: "1s",
    });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
    expect(stdout).toContain("✗ BROKEN  appLag<2s");
    expect(stdout).toContain("Verdict: BROKEN");
    expect(stderr).toContain("The end of the server's log");
    await bench.expectNothingLeft();
  });

  besides("a fault that did not happen is not believed: exit 3", async () => {
    await using bench = await OutageBench.make('[ "$1" = stop ] && exit 0');
    const { exitCode, stdout, stderr } = await bench.run();
    expect(stderr).toContain("The fault could not be verified: the server still runs");
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    await bench.expectNothingLeft();
  });

  besides("healing that fails is told apart: exit 4, and still nothing is left", async () => {
    const failSecondStart = '[ "$1" = start ] && [ -e "$0.started" ] && { echo "no space left" >&2; exit 1; }';
    await using bench = await OutageBench.make(`${failSecondStart}\n[ "$1" = start ] && : > "$0.started"`);
    const { exitCode, stderr } = await bench.run();
    expect(stderr).toContain("The fault could not be healed: no space left");
    expect(exitCode).toBe(4);
    await bench.expectNothingLeft();
  });

  besides("a clean-up that fails is told, with what is left: exit 4", async () => {
    await using bench = await OutageBench.make('[ "$1" = rm ] && { echo "device is busy" >&2; exit 1; }');
    const { exitCode, stderr } = await bench.run();
    const [, container = ""] = /Could not remove the container (\S+): device is busy/.exec(stderr) ?? [];
    await Bun.spawn(["docker", "rm", "--force", "--volumes", container], { stdout: "ignore" }).exited;
    expect(container).toStartWith("deby-outage-");
    expect(exitCode).toBe(4);
  });

  besides("an image that is not there and cannot be pulled: exit 3, and the images that are here", async () => {
    await using bench = await OutageBench.make('[ "$1" = pull ] && { echo "no such host" >&2; exit 1; }');
    const { exitCode, stderr } = await bench.run(["--target", "docker", "--image", "postgres:0-nowhere"]);
    expect(stderr).toContain("The image postgres:0-nowhere is not on this machine and cannot be pulled: no such host");
    expect(stderr).toContain(`--image ${bench.image}`);
    expect(exitCode).toBe(3);
    await bench.expectNothingLeft();
  });
});

/** When requests succeeded that the test itself sent, one after the other, from the first health on. */
async function observeRecovery(deby: DebyProcess): Promise<number[]> {
  const [, url = ""] = await deby.waitForLine(/deby serve answers on (\S+)/, 30_000);
  const successes: number[] = [];
  let hasEnded = false;
  const end = deby.exited.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const answer = await fetch(`${url}/api/canary/${crypto.randomUUID()}`).catch(() => undefined);
    // Nobody wrote this id; that the database says so takes a database.
    if (answer?.status === 404) successes.push(Date.now());
    await Bun.sleep(10);
  }
  await end;
  return successes;
}

function expectShape(report: OutageReport): void {
  const percentiles = {
    p50: expect.anything(),
    p95: expect.anything(),
    p99: expect.anything(),
    max: expect.anything(),
  };
  // A copy: Bun 1.4.5 puts the matchers in place of the values that they matched.
  expect(structuredClone(report)).toMatchObject({
    schema: "deby.outage/1",
    scenario: expect.any(String),
    target: expect.any(String),
    startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    seed: expect.any(Number),
    figures: {
      ttdMs: expect.any(Number),
      dbReadyMs: expect.any(Number),
      ttrMs: expect.any(Number),
      appLagMs: expect.any(Number),
    },
    requests: {
      ok: expect.any(Number),
      held: expect.any(Number),
      failedFast: expect.any(Number),
      timedOut: expect.any(Number),
      hung: expect.any(Number),
      byCode: { "201": expect.any(Number) },
    },
    writes: {
      acknowledged: expect.any(Number),
      lost: expect.any(Number),
      duplicated: expect.any(Number),
      unknown: expect.any(Number),
    },
    latencyMs: { before: percentiles, during: percentiles, after: percentiles },
    availability: expect.any(Number),
    pool: expect.any(Object),
    slos: expect.arrayContaining([{ expression: "lost==0", value: 0, kept: true }]),
  });
}
