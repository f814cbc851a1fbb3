import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, sleep } from "../../core/clock.ts";
import { systemRandom } from "../../core/random.ts";
import { EMBEDDED_SERVER } from "../../embedded/child-protocol.ts";
import type { EmbeddedPostgres } from "../../embedded/supervisor.ts";
import { DebyError } from "../../errors.ts";
import { Interrupted, type Interruption } from "../interruption.ts";
import type { Undo } from "../journal.ts";
import type { OnStep } from "../progress.ts";
import { probeRaw } from "../raw-probe.ts";
import type { ResourceStack } from "../resource-stack.ts";
import type { Freezer, ServerControl, Target } from "../target.ts";

const READY_LIMIT_MS = 30_000;
const PROBE_EVERY_MS = 50;
const PROBE_LIMIT_MS = 1_000;
const STOP_LIMIT_MS = 5_000;
const REMOVE_LIMIT_MS = 10_000;

export interface EmbeddedTargetOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly resources: ResourceStack;
  readonly interruption: Interruption;
  readonly onStep: OnStep;
  /** The words that start deby; default: this very program. */
  readonly command?: readonly string[];
}

/** The folder of a run's data, known before it exists, so that it can be removed whatever happens. */
function dataFolder(runId: string): string {
  return join(tmpdir(), `deby-outage-${runId}-data`);
}

/** What undoes what a run with this target does; the server's process ends with the run's own. */
export function embeddedUndo(runId: string): Undo {
  const folder = dataFolder(runId);
  return { heal: [], remove: [], folders: [folder], processes: [`${EMBEDDED_SERVER} ${folder}`] };
}

/**
 * Starts an embedded PostgreSQL with a throw-away folder, and registers its removal before it exists.
 * @throws DebyError CANNOT_RUN when it does not come up; Interrupted
 */
export async function startEmbeddedTarget(options: EmbeddedTargetOptions): Promise<Target> {
  const { runId, clock, resources, interruption, onStep, command } = options;
  const folder = dataFolder(runId);
  resources.add({
    what: `the folder ${folder}`,
    limitMs: REMOVE_LIMIT_MS,
    remove: () => rm(folder, { recursive: true, force: true }),
  });
  let postgres: EmbeddedPostgres | undefined;
  let lastEnd = "";
  resources.add({
    what: "the embedded PostgreSQL",
    limitMs: REMOVE_LIMIT_MS,
    // Its data goes with it, so that it need not be written down in a hurry.
    remove: async () => await postgres?.close({ limitMs: interruption.hurry.aborted ? 0 : STOP_LIMIT_MS }),
  });
  onStep("starting an embedded PostgreSQL");
  const { EmbeddedPostgres } = await import("../../embedded/supervisor.ts");
  postgres = await EmbeddedPostgres.start({
    dataDir: folder,
    clock,
    random: systemRandom,
    onEvent: (event) => {
      if (event.type === "ended") lastEnd = event.reason;
    },
    ...(command === undefined ? {} : { command }),
  });
  const { host, port } = postgres.endpoint;
  const description = `embedded PostgreSQL, process ${postgres.pid} on ${host}:${port}`;
  onStep(`waiting for the ${description}`);
  const target: Target = {
    kind: "embedded",
    description,
    endpoint: postgres.endpoint,
    server: controlServer(postgres),
    // Its one session is everybody's: there is none of a master's own, and none to end.
    sql: undefined,
    traffic: undefined,
    readLog: async () => lastEnd,
  };
  await waitUntilReady(target, { clock, signal: interruption.signal });
  return target;
}

function controlServer(postgres: EmbeddedPostgres): ServerControl {
  const freezer: Freezer = {
    freeze: async () => postgres.freeze(),
    thaw: async () => postgres.thaw(),
    isFrozen: async () => postgres.pid !== undefined && !(await postgres.isResponding()),
  };
  return {
    stop: () => postgres.stop(),
    kill: () => postgres.kill(),
    start: async () => postgres.start(),
    isRunning: async () => postgres.pid !== undefined,
    demoter: undefined,
    freezer: process.platform === "win32" ? undefined : freezer,
  };
}

async function waitUntilReady(target: Target, { clock, signal }: { clock: Clock; signal: AbortSignal }) {
  const { host, port, user, database } = target.endpoint;
  const giveUpAt = clock.now() + READY_LIMIT_MS;
  while ((await probeRaw({ host, port, user, database, limitMs: PROBE_LIMIT_MS })) !== "ready") {
    if (signal.aborted) throw new Interrupted();
    if (clock.now() > giveUpAt) {
      throw new DebyError("CANNOT_RUN", `The embedded PostgreSQL does not come up: ${await target.readLog()}`);
    }
    await sleep(clock, PROBE_EVERY_MS, signal);
  }
}
