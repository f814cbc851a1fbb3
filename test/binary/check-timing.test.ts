import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Environment, environmentOf } from "../integration/check/run-check.ts";
import { debyExecutable } from "../support/executable.ts";
import { startPostgres } from "../support/postgres.ts";
import { postgresBinaries } from "../support/postgres-binaries.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const RUNS = 10;
/** The contract: at most 4 × psql + 300 ms. */
const FACTOR = 4;
const ALLOWANCE_MS = 300;

function timeOf(command: readonly string[], env: Environment, cwd: string): number {
  const startedAt = performance.now();
  const { exitCode } = Bun.spawnSync([...command], { env, cwd, stdout: "pipe", stderr: "pipe" });
  expect(exitCode).toBe(0);
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test("a healthy local server is checked in 4 × psql + 300 ms, medians of ten in one run", async () => {
  await using server = await startPostgres({ version: 15 });
  await using folder = makeTempFolder("check-timing");
  const psql = [join(await postgresBinaries(15), "psql"), "-XAtc", "select 1"];
  const deby = [await debyExecutable(), "check"];
  const env = { ...environmentOf(server), PATH: process.env["PATH"] ?? "", HOME: folder.path };
  const times = { psql: [] as number[], deby: [] as number[] };
  for (let run = 0; run < RUNS; run++) {
    times.psql.push(timeOf(psql, env, folder.path));
    times.deby.push(timeOf(deby, env, folder.path));
  }
  const limitMs = FACTOR * median(times.psql) + ALLOWANCE_MS;
  console.log(`deby check ${median(times.deby).toFixed(0)} ms, psql ${median(times.psql).toFixed(0)} ms`);
  expect(median(times.deby)).toBeLessThan(limitMs);
});
