import { describe, expect, test } from "bun:test";
import { dockerAvailable } from "../support/docker.ts";
import { OutageBench } from "./simulate-outage-bench.ts";

const LONG = ["--warmup", "60s", "--outage", "60s", "--settle", "60s"];
const PHASES: readonly (readonly [phase: string, line: RegExp, args: readonly string[], hasReport: boolean])[] = [
  ["creating the container", /creating deby-outage/, LONG, false],
  ["waiting for Postgres", /waiting for Postgres/, LONG, false],
  ["starting the server", /starting deby serve/, LONG, false],
  ["warm-up", /warm-up/, LONG, true],
  ["injecting", /breaking the database/, ["--warmup=1s", "--outage=60s"], true],
  ["outage", /verified/, ["--warmup=1s", "--outage=60s"], true],
  ["healing", /healing$/, ["--warmup=1s", "--outage=1s"], true],
  ["settling", /writes succeed again/, ["--warmup=1s", "--outage=1s"], true],
  ["comparing", /reading the table/, ["--warmup=1s", "--outage=1s"], true],
];

describe.skipIf(!dockerAvailable)("deby simulate-outage when it is told to end", () => {
  test.each(PHASES)(
    "while %s: heals, leaves nothing, reports what there is, exits 130",
    async (_, line, args, hasReport) => {
      await using bench = await OutageBench.make();
      const deby = await bench.start([...args, "--json"]);
      await deby.waitForLine(line, 30_000);
      deby.kill("SIGINT");
      const { exitCode, stdout, stderr } = await deby.waitForExit(15_000);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 130 });
      await bench.expectNothingLeft();
      if (hasReport) {
        console.error(stderr);
        expect(JSON.parse(stdout)).toMatchObject({ verdict: "interrupted", writes: { lost: 0, duplicated: 0 } });
      } else expect(stdout).toBe("");
    },
    60_000,
  );

  test("while an image is pulled: the pull ends too", async () => {
    await using bench = await OutageBench.make('[ "$1" = pull ] && { sleep 60; exit 1; }');
    const deby = await bench.start(["--target", "docker", "--image", "postgres:0-nowhere"]);
    await deby.waitForLine(/pulling postgres:0-nowhere/);
    deby.kill("SIGTERM");
    expect((await deby.waitForExit(5_000)).exitCode).toBe(130);
    await bench.expectNothingLeft();
  });

  test("twice: removes the container at once, although healing hangs", async () => {
    const hang = '[ "$1" = start ] && [ -e "$0.started" ] && exec sleep 60';
    await using bench = await OutageBench.make(`${hang}\n[ "$1" = start ] && : > "$0.started"`);
    const deby = await bench.start(["--warmup=1s", "--outage=60s"]);
    await deby.waitForLine(/verified/, 30_000);
    deby.kill("SIGINT");
    await deby.waitForLine(/interrupted: healing/);
    deby.kill("SIGINT");
    const interruptedAt = performance.now();
    expect((await deby.waitForExit(10_000)).exitCode).toBe(130);
    expect(performance.now() - interruptedAt).toBeLessThan(3_000);
    await bench.expectNothingLeft();
  }, 60_000);
});
