/** One contender in a process of its own, started by worker-process.ts: measures what it is told to. */

import type { Client } from "./contender.ts";
import { CONTENDERS } from "./contenders.ts";
import { drive } from "./drive.ts";
import type { FromWorker, Measure, WorkerArguments } from "./protocol.ts";
import { WORKLOADS } from "./workloads.ts";

// The peer is our own worker-process.ts, so that what it says needs no schema.
const { contender: name, at } = JSON.parse(process.argv[2] ?? "") as WorkerArguments;

const contender = CONTENDERS.find((candidate) => candidate.name === name);
if (contender === undefined) throw new Error(`There is no contender "${name}"`);
const { open } = contender;

/** Runs `use` on fresh connections. */
async function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const client = await open(at);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

function measure({ workload, concurrency, warmUpMs, sliceMs }: Measure): Promise<number | undefined> {
  return withClient(async (client) => {
    const run = WORKLOADS.find((candidate) => candidate.name === workload)?.statement(client);
    if (run === undefined) return undefined;
    await drive(run, { concurrency, durationMs: warmUpMs });
    return await drive(run, { concurrency, durationMs: sliceMs });
  });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

process.on("message", (message: Measure) => {
  measure(message).then(
    (perSecond) => tell({ kind: "measured", perSecond }),
    (error) => {
      console.error(`${name}, ${message.workload}:`, error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));

const sampleRows = await withClient(async ({ readOne, readTen }) => [
  [...(await readOne(42))],
  [...(await readTen(42))],
]);
tell({ kind: "ready", sampleRows });
