/**
 * What deby's pool costs: short statements through deby and through bare drivers, twenty connections each.
 *
 * Each contender has a process of its own. In a common one they would share the compiled code of postgres.js, which
 * deby stands on, and what the engine has learnt in running one of them would help or hinder the other; and whoever
 * leaves garbage behind would have the next one collect it. They take turns of a few hundredths of a second; the
 * processes that are not measured at the moment rest.
 *
 * Each round has fresh connections, or it would matter how long the bench has run: while more statements are on
 * their way than postgres.js 3.4.9 has connections, its list of busy ones grows by an entry a statement (src/queue.js),
 * and it looks through the list for each statement. After 200,000 of them it was at less than half of its speed, and did
 * not recover when the load was gone.
 */

import { isDeepStrictEqual } from "node:util";
import { startBenchDatabase } from "./bench-database.ts";
import { installPeers } from "./install-peers.ts";
import { describeMachine } from "./machine.ts";
import { choose, readOptions } from "./options.ts";
import { CONTENDERS } from "./pool/contenders.ts";
import { runPoolRound } from "./pool/pool-round.ts";
import { type PoolCell, poolReport } from "./pool/report.ts";
import { startWorker, type WorkerProcess } from "./pool/worker-process.ts";
import { WORKLOADS } from "./pool/workloads.ts";
import { runInterruptibly } from "./run-interruptibly.ts";
import { Samples } from "./samples.ts";

const CONCURRENCIES = [1, 20, 200];

const CELLS: readonly PoolCell[] = WORKLOADS.flatMap(({ name: workload }) =>
  CONCURRENCIES.map((concurrency) => ({ name: `${workload}, ${concurrency} at once`, workload, concurrency })),
);

const { rounds, sliceMs, only } = readOptions("bench:pool", { rounds: 7, sliceMs: 400 });

process.exitCode = await runInterruptibly(async (signal) => {
  const names = choose(CONTENDERS, only).map(({ name }) => name);
  await installPeers();
  signal.throwIfAborted();
  await using server = await startBenchDatabase();
  await using workers = new AsyncDisposableStack();
  const contenders: WorkerProcess[] = [];
  for (const name of names) {
    signal.throwIfAborted();
    contenders.push(workers.use(await startWorker(name, server)));
  }
  compareRows(contenders);

  const plan = { workers: contenders, cells: CELLS, sliceMs, signal };
  // What is hot is compiled in the round that does not count.
  await runPoolRound({ ...plan, number: 0, samples: new Samples() });
  const samples = new Samples();
  for (let number = 1; number <= rounds; number += 1) {
    console.error(`Round ${number} of ${rounds}`);
    await runPoolRound({ ...plan, number, samples });
  }
  console.log(`\n${poolReport(samples, CELLS, names)}\n`);
  console.log(`${rounds} rounds of ${sliceMs} ms · ${await describeMachine(server)}`);
});

/** Whoever answers something else does something else. */
function compareRows(workers: readonly WorkerProcess[]): void {
  const [first, ...others] = workers;
  for (const { name, sampleRows } of others) {
    if (isDeepStrictEqual(sampleRows, first?.sampleRows)) continue;
    throw new Error(
      `${name} answers ${JSON.stringify(sampleRows)}, ${first?.name} ${JSON.stringify(first?.sampleRows)}`,
    );
  }
}
