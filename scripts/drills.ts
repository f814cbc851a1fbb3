// Exactly-once writes under faults at any byte: usage: bun run drills [--count N] [--seed N] [--lanes N] [--pooler]

import { parseArgs } from "node:util";
import { type DrillsOptions, runDrills } from "../test/integration/drills/run-drills.ts";

function readArguments(args: readonly string[]): Omit<DrillsOptions, "log"> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      count: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      lanes: { type: "string", default: "4" },
      pooler: { type: "boolean", default: false },
    },
  });
  const [count, seed, lanes] = [Number(values.count), Number(values.seed), Number(values.lanes)];
  if (!(Number.isInteger(count) && count > 0)) throw new Error(`--count must be a positive number: ${values.count}`);
  if (!Number.isInteger(seed)) throw new Error(`--seed must be a whole number: ${values.seed}`);
  // Each has 20 writers, and fetch sends 256 requests at a time.
  if (!(Number.isInteger(lanes) && lanes > 0 && lanes <= 12)) {
    throw new Error(`--lanes must be from 1 to 12: ${values.lanes}`);
  }
  return { count, seed, lanes, isPooled: values.pooler };
}

async function main(args: readonly string[]): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: bun run drills [--count N] [--seed N] [--lanes N] [--pooler]`);
    return 2;
  }
  const { count, seed, lanes, isPooled = false } = wanted;
  console.log(`${count} drills in ${lanes} lanes${isPooled ? " through PgBouncer" : ""}, --seed ${seed}`);
  const startedAt = performance.now();
  const broken = await runDrills({ ...wanted, log: console.log });
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  console.log(broken.length === 0 ? "nothing lost, doubled or left unknown" : `${broken.length} promises were broken`);
  return broken.length === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
