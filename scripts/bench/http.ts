/**
 * What `deby serve` costs: one route that reads one row, against the same route on other servers, with twenty
 * connections each. deby is the compiled executable, the others run as their users run them; wrk makes the load.
 *
 * Each round has fresh servers, for the reason that pool.ts tells, warmed up with as many connections as they have to
 * the database, where postgres.js does not get slower.
 */

import { startBenchDatabase } from "./bench-database.ts";
import type { RunningServer } from "./http/contender.ts";
import { CONTENDERS } from "./http/contenders.ts";
import { type HttpCell, httpReport } from "./http/report.ts";
import { residentMegabytes } from "./http/resident-memory.ts";
import { requireWrk, runWrk } from "./http/wrk.ts";
import { installPeers } from "./install-peers.ts";
import { describeMachine } from "./machine.ts";
import { choose, readOptions } from "./options.ts";
import { runInterruptibly } from "./run-interruptibly.ts";
import { runRound } from "./run-round.ts";
import { Samples } from "./samples.ts";

const PATH = "/products/4711";
const BODY = '{"id":4711,"name":"Product 4711","price_cents":4811,"stock":11}';

/** Sequelize under Node takes some six seconds to reach its speed. */
const WARM_UP_MS = 6000;
const WARM_UP_CONNECTIONS = 20;
/** Before each measurement. */
const RUN_UP_MS = 1000;
const CELLS: readonly HttpCell[] = [20, 200].map((connections) => ({
  name: `${connections} connections`,
  connections,
}));

const { rounds, sliceMs, only } = readOptions("bench:http", { rounds: 5, sliceMs: 3000 });

process.exitCode = await runInterruptibly(async (signal) => {
  requireWrk();
  const contenders = choose(CONTENDERS, only);
  await installPeers();
  signal.throwIfAborted();
  await using database = await startBenchDatabase();
  const perSecond = new Samples();
  const megabytes = new Samples();

  async function measure({ name, url, pid }: RunningServer, cell: HttpCell): Promise<number> {
    const load = { connections: cell.connections, url: url + PATH };
    await runWrk({ ...load, durationMs: RUN_UP_MS });
    const answered = await runWrk({ ...load, durationMs: sliceMs });
    megabytes.add(name, cell.name, residentMegabytes(pid));
    return answered;
  }

  for (let number = 1; number <= rounds; number += 1) {
    console.error(`Round ${number} of ${rounds}`);
    await using servers = new AsyncDisposableStack();
    const started: RunningServer[] = [];
    for (const { start } of contenders) {
      signal.throwIfAborted();
      const server = servers.use(await start(database));
      await warmUp(server);
      started.push(server);
    }
    await runRound({ number, contenders: started, cells: CELLS, measure, samples: perSecond, signal });
  }

  const names = contenders.map(({ name }) => name);
  const node = Bun.spawnSync(["node", "--version"]).stdout.toString().trim();
  console.log(`\n${httpReport({ perSecond, megabytes }, CELLS, names)}\n`);
  console.log(`${rounds} rounds of ${sliceMs} ms · ${await describeMachine(database, [`Node ${node}`])}`);
});

/** Whoever answers something else does something else. */
async function warmUp({ name, url }: RunningServer): Promise<void> {
  const response = await fetch(url + PATH);
  const body = await response.text();
  if (response.status !== 200 || body !== BODY) throw new Error(`${name} answers ${response.status} ${body}`);
  await runWrk({ url: url + PATH, connections: WARM_UP_CONNECTIONS, durationMs: WARM_UP_MS });
}
