import { expect, test } from "bun:test";
import { join } from "node:path";
import { debyExecutable } from "../support/executable.ts";
import { serveEmbedded } from "../support/serve-embedded.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const RUNS = 5;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

test("is connected within 10 s of a first start and 2 s of a later one, at the medians of 5", async () => {
  await debyExecutable();
  const firstMs: number[] = [];
  const laterMs: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    await using folder = makeTempFolder("embedded");
    for (const timesMs of [firstMs, laterMs]) {
      const startedAt = performance.now();
      await using deby = await serveEmbedded(join(folder.path, "data"));
      timesMs.push(performance.now() - startedAt);
      deby.process.kill("SIGTERM");
      expect((await deby.process.waitForExit()).exitCode).toBe(0);
    }
  }
  const shown = (timesMs: readonly number[]) => timesMs.map((ms) => ms.toFixed(0)).join(" ");
  console.log(`connected after ms, first starts: ${shown(firstMs)}, later starts: ${shown(laterMs)}`);
  expect(median(firstMs)).toBeLessThan(10_000);
  expect(median(laterMs)).toBeLessThan(2000);
}, 120_000);
