import { randomBytes } from "node:crypto";
import { Secret } from "../../config/secret.ts";
import { type Clock, sleep } from "../../core/clock.ts";
import { DebyError } from "../../errors.ts";
import { findFreePort } from "../free-port.ts";
import { Interrupted, type Interruption, throwIfInterrupted } from "../interruption.ts";
import type { Undo } from "../journal.ts";
import type { OnStep } from "../progress.ts";
import { probeRaw } from "../raw-probe.ts";
import type { ResourceStack } from "../resource-stack.ts";
import type { DatabaseEndpoint, Demoter, RunSql, Target } from "../target.ts";
import { ToolFailure } from "../tool.ts";
import { controlContainer, STOP_GRACE_S, speakSql } from "./container.ts";
import { docker } from "./docker-cli.ts";
import { requireEngine, requireImage } from "./docker-image.ts";
import { SANDBOX_LABEL } from "./permission.ts";

const COMMAND_LIMIT_MS = 60_000;
const READY_LIMIT_MS = 60_000;
const PROBE_EVERY_MS = 100;
const PROBE_LIMIT_MS = 1_000;
const PORT_ATTEMPTS = 5;

export interface DockerTargetOptions {
  readonly image: string;
  readonly runId: string;
  readonly clock: Clock;
  readonly resources: ResourceStack;
  readonly interruption: Interruption;
  readonly onStep: OnStep;
}

/** The name of a run's container, known before it exists, so that it can be removed whatever happens. */
function containerName(runId: string): string {
  return `deby-outage-${runId}`;
}

/** The commands that undo what a run with this target does. */
export function dockerUndo(runId: string): Undo {
  const name = containerName(runId);
  const heal = [
    ["docker", "unpause", name],
    ["docker", "start", name],
  ];
  return { heal, remove: [["docker", "rm", "--force", "--volumes", name]], folders: [], processes: [] };
}

/**
 * Starts a Postgres of our own in a throw-away container, and registers its removal before it exists.
 * @throws DebyError CANNOT_RUN without an engine, without the image, or when it does not come up; Interrupted
 */
export async function startDockerTarget(options: DockerTargetOptions): Promise<Target> {
  const { image, clock, interruption, onStep } = options;
  const { signal } = interruption;
  const name = containerName(options.runId);
  await requireEngine(signal);
  await requireImage(image, { signal, onStep });
  const endpoint = await startContainer(name, options);
  const sql = speakSql(name, endpoint, interruption.hurry);
  const target: Target = {
    kind: "docker",
    description: `container ${name} from ${image} on ${endpoint.host}:${endpoint.port}`,
    endpoint,
    server: { ...controlContainer(name, interruption.hurry), demoter: demoteContainer(name, sql) },
    traffic: undefined,
    sql,
    async readLog() {
      const { stdout, stderr } = await docker(["logs", "--tail", "20", name], { limitMs: COMMAND_LIMIT_MS });
      return `${stdout}\n${stderr}`.trim();
    },
  };
  onStep(`waiting for Postgres in ${name} on ${endpoint.host}:${endpoint.port}`);
  await waitUntilStable(target, { clock, signal });
  return target;
}

async function startContainer(name: string, options: DockerTargetOptions): Promise<DatabaseEndpoint> {
  options.resources.add({
    what: `the container ${name}`,
    limitMs: COMMAND_LIMIT_MS,
    remove: () => removeContainer(name),
  });
  for (let attempt = 1; ; attempt++) {
    throwIfInterrupted(options.interruption.signal);
    const endpoint: DatabaseEndpoint = {
      host: "127.0.0.1",
      port: await findFreePort(),
      user: "postgres",
      password: new Secret(randomBytes(18).toString("base64url")),
      database: "deby_outage",
    };
    options.onStep(`creating ${name}`);
    try {
      await createContainer(name, endpoint, options);
      await docker(["start", name], { limitMs: COMMAND_LIMIT_MS });
      return endpoint;
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      const isPortTaken = /port is already allocated|address already in use/i.test(error.message);
      if (!isPortTaken || attempt === PORT_ATTEMPTS) {
        throw new DebyError("CANNOT_RUN", `Cannot start a container from ${options.image}: ${error.message}`, {
          cause: error,
        });
      }
      await removeContainer(name);
    }
  }
}

/**
 * The port is fixed, since Docker gives a container with a random one another at every start (moby#31926). The
 * password travels through the environment: arguments can be read by every user of the machine.
 */
async function createContainer(name: string, endpoint: DatabaseEndpoint, options: DockerTargetOptions): Promise<void> {
  const { runId, image } = options;
  const labels = ["--label", `${SANDBOX_LABEL}=true`, "--label", `deby.run=${runId}`];
  const environment = ["-e", "POSTGRES_USER", "-e", "POSTGRES_PASSWORD", "-e", "POSTGRES_DB"];
  const publish = ["-p", `${endpoint.host}:${endpoint.port}:5432`];
  await docker(["create", "--pull", "never", "--name", name, ...labels, ...environment, ...publish, image], {
    limitMs: COMMAND_LIMIT_MS,
    env: {
      POSTGRES_USER: endpoint.user,
      POSTGRES_PASSWORD: endpoint.password.reveal(),
      POSTGRES_DB: endpoint.database,
    },
  });
}

/** A file among its data makes a standby of it that follows nobody; it starts a timeline of its own when promoted. */
function demoteContainer(name: string, sql: RunSql): Demoter {
  const limitMs = COMMAND_LIMIT_MS;
  return {
    async demote() {
      await docker(["exec", name, "sh", "-c", ': > "$PGDATA/standby.signal"'], { limitMs });
      await docker(["restart", "--time", String(STOP_GRACE_S), name], { limitMs });
    },
    async promote() {
      await sql("select pg_promote()");
    },
    isStandby: async () => (await sql("select pg_is_in_recovery()")) === "t",
  };
}

/** With its anonymous volumes. A container that is not there is as good as removed. */
async function removeContainer(name: string): Promise<void> {
  try {
    await docker(["rm", "--force", "--volumes", name], { limitMs: COMMAND_LIMIT_MS });
  } catch (error) {
    if (error instanceof ToolFailure && /no such container/i.test(error.message)) return;
    throw error;
  }
}

/**
 * Waits for two sessions offered in a row, from outside: the official image first runs a temporary server, which
 * listens only inside the container and is then stopped, so one success proves little.
 */
async function waitUntilStable(target: Target, { clock, signal }: { clock: Clock; signal: AbortSignal }) {
  const { host, port, user, database } = target.endpoint;
  const startedAt = clock.now();
  for (let inARow = 0, round = 1; inARow < 2; round++) {
    if (signal.aborted) throw new Interrupted();
    const probe = await probeRaw({ host, port, user, database, limitMs: PROBE_LIMIT_MS });
    inARow = probe === "ready" ? inARow + 1 : 0;
    const isHopeless = clock.now() - startedAt > READY_LIMIT_MS || (round % 10 === 0 && !(await isAlive(target)));
    if (probe !== "ready" && isHopeless) {
      const what = `Postgres does not come up in ${target.description} (last probe: ${probe})`;
      throw new DebyError("CANNOT_RUN", `${what}. Its log ends with:\n${await target.readLog()}`);
    }
    await sleep(clock, PROBE_EVERY_MS, signal);
  }
}

async function isAlive({ server }: Target): Promise<boolean> {
  return server === undefined || (await server.isRunning());
}
