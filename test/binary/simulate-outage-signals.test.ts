import { test as alone, describe, expect } from "bun:test";
import { docker, dockerAvailable } from "../support/docker.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { ENDED_WITHIN_MS, OutageBench, REACHED_WITHIN_MS } from "./simulate-outage-bench.ts";

/** Most of a run is waiting. */
const test = testsAtOnce(3);

const LONG = ["--warmup", "60s", "--outage", "60s", "--settle", "60s"];
const PHASES: readonly (readonly [phase: string, line: RegExp, args: readonly string[], hasReport: boolean])[] = [
  ["creating the container", /creating deby-outage/, LONG, false],
  ["waiting for Postgres", /waiting for Postgres/, LONG, false],
  ["starting the server", /starting deby serve/, LONG, false],
  ["warm-up", /warm-up/, LONG, true],
  ["injecting", /breaking the database/, ["--warmup=1s", "--outage=60s"], true],
  ["outage", /verified;/, ["--warmup=1s", "--outage=60s"], true],
  ["healing", /healing$/, ["--warmup=1s", "--outage=1s"], true],
  ["settling", /writes succeed again/, ["--warmup=1s", "--outage=1s"], true],
  ["comparing", /reading the table/, ["--warmup=1s", "--outage=1s"], true],
];

describe.skipIf(!dockerAvailable)("deby simulate-outage when it is told to end", () => {
  const polite = (["SIGINT", "SIGTERM"] as const).flatMap((signal) =>
    PHASES.map((phase) => [signal, ...phase] as const),
  );

  test.each(polite)(
    "by %s while %s: heals, leaves nothing, reports what there is, exits 130",
    async (signal, phase, line, args, hasReport) => {
      await using bench = await OutageBench.make();
      const deby = await bench.start([...args, "--json"]);
      await deby.waitForLine(line, REACHED_WITHIN_MS);
      deby.kill(signal);
      const { exitCode, stdout, stderr } = await deby.waitForExit(ENDED_WITHIN_MS);
      // The comparison takes milliseconds: the signal may come when all is over.
      const mayBeLate = phase === "comparing";
      expect(exitCode, stderr).toBeOneOf(mayBeLate ? [130, 0] : [130]);
      await bench.expectNothingLeft();
      if (hasReport) {
        const { verdict, writes } = JSON.parse(stdout);
        expect(verdict).toBeOneOf(mayBeLate ? ["interrupted", "kept"] : ["interrupted"]);
        expect(writes).toMatchObject({ lost: 0, duplicated: 0 });
      } else expect(stdout).toBe("");
    },
  );

  test.each(PHASES)("by SIGKILL while %s: its watchdog removes everything, and goes", async (_, line, args) => {
    await using bench = await OutageBench.make();
    const deby = await bench.start(args);
    await deby.waitForLine(line, REACHED_WITHIN_MS);
    deby.kill("SIGKILL");
    await deby.waitForExit(5_000);
    await bench.waitForWatchdog(ENDED_WITHIN_MS);
    await bench.expectNothingLeft();
  });

  test("by SIGKILL together with its watchdog: the next run repairs what is left, or heal does", async () => {
    for (const [args, told] of [
      [["heal"], /✓ docker rm --force --volumes deby-outage-/],
      [["--warmup=1s", "--outage=1s"], /repaired what the run \w+ left: .*docker rm --force --volumes deby-outage-/],
    ] as const) {
      await using bench = await OutageBench.make();
      const deby = await bench.start(["--warmup=1s", "--outage=60s"]);
      await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
      for (const pid of bench.processes("outage-watchdog")) process.kill(pid, "SIGKILL");
      deby.kill("SIGKILL");
      const { stderr } = await deby.waitForExit(5_000);
      expect(bench.journal()).toBeDefined();
      const [, container = ""] = /creating (deby-outage-\w+)/.exec(stderr) ?? [];

      const healed = await bench.run(args);
      expect(healed.stdout + healed.stderr).toMatch(told);
      expect(healed.exitCode).toBe(0);
      expect(await docker("ps", "--all", "--quiet", "--filter", `name=${container}`)).toBe("");
      await bench.expectNothingLeft();
    }
  });

  test("heal leaves a run alone that is under way, and says so when there is nothing to repair", async () => {
    await using bench = await OutageBench.make();
    const deby = await bench.start(["--warmup=60s"]);
    await deby.waitForLine(/warm-up/, REACHED_WITHIN_MS);
    const healed = await bench.alongside(["heal"]);
    expect(healed).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^No run has left anything to repair: there is no note in \S+ or \S+\n$/),
    });
    deby.kill("SIGINT");
    expect((await deby.waitForExit(ENDED_WITHIN_MS)).exitCode).toBe(130);
    await bench.expectNothingLeft();
  });

  test("while an image is pulled: the pull ends too", async () => {
    await using bench = await OutageBench.make('[ "$1" = pull ] && { sleep 60; exit 1; }');
    const deby = await bench.start(["--target", "docker", "--image", "postgres:0-nowhere"]);
    await deby.waitForLine(/pulling postgres:0-nowhere/, REACHED_WITHIN_MS);
    deby.kill("SIGTERM");
    expect((await deby.waitForExit(5_000)).exitCode).toBe(130);
    await bench.expectNothingLeft();
  });

  // How long it takes is measured.
  alone(
    "twice: removes the container at once, although healing hangs",
    async () => {
      const hang = '[ "$1" = start ] && [ -e "$0.started" ] && exec sleep 60';
      await using bench = await OutageBench.make(`${hang}\n[ "$1" = start ] && : > "$0.started"`);
      const deby = await bench.start(["--warmup=1s", "--outage=60s"]);
      await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
      deby.kill("SIGINT");
      await deby.waitForLine(/interrupted: healing/);
      deby.kill("SIGINT");
      const interruptedAt = performance.now();
      expect((await deby.waitForExit(10_000)).exitCode).toBe(130);
      expect(performance.now() - interruptedAt).toBeLessThan(3_000);
      await bench.expectNothingLeft();
    },
    180_000,
  );
});
