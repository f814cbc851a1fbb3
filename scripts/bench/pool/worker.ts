/** One contender in a process of its own, started by worker-process.ts: measures what it is told to. */

import type { Client } from "./contender.ts";
import { CONTENDERS } from "./contenders.ts";
import { drive } from "./drive.ts";
import type { FromWorker, ToWorker, WorkerArguments } from "./protocol.ts";
import { WORKLOADS } from "./workloads.ts";

// The peer is our own worker-process.ts, so that what it says needs no schema.
const { contender: name, at } = JSON.parse(process.argv[2] ?? "") as WorkerArguments;

const contender = CONTENDERS.find((candidate) => candidate.name === name);
if (contender === undefined) throw new Error(`There is no contender "${name}"`);
const { open } = contender;

/** What is open, and how it is loaded. */
let current: { client: Client; run: (n: number) => PromiseLike<unknown>; concurrency: number } | undefined;

async function obey(order: ToWorker): Promise<FromWorker> {
  switch (order.kind) {
    case "open": {
      const { workload, concurrency, warmUpMs } = order;
      const client = await open(at);
      const run = WORKLOADS.find((candidate) => candidate.name === workload)?.statement(client);
      if (run === undefined) {
        await client.close();
        return { kind: "opened", takesPart: false };
      }
      current = { client, run, concurrency };
      await drive(run, { concurrency, durationMs: warmUpMs });
      return { kind: "opened", takesPart: true };
    }
    case "slice": {
      if (current === undefined) throw new Error("Nothing is open");
      const { run, concurrency } = current;
      return { kind: "measured", ...(await drive(run, { concurrency, durationMs: order.durationMs })) };
    }
    case "close":
      await current?.client.close();
      current = undefined;
      return { kind: "closed" };
    default:
      throw new Error(`Unknown order: ${JSON.stringify(order satisfies never)}`);
  }
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

process.on("message", (order: ToWorker) => {
  obey(order).then(tell, (error) => {
    console.error(`${name}, ${JSON.stringify(order)}:`, error);
    process.exit(1);
  });
});
process.on("disconnect", () => process.exit(0));

const first = await open(at);
const sampleRows = [[...(await first.readOne(42))], [...(await first.readTen(42))]];
await first.close();
tell({ kind: "ready", sampleRows });
