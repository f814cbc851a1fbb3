import { Secret } from "../../config/secret.ts";
import { DebyError } from "../../errors.ts";
import { POSTMASTER_START } from "../foreign-sessions.ts";
import type { Undo, Words } from "../journal.ts";
import type { DatabaseEndpoint, RunSql, ServerControl, Target } from "../target.ts";
import { runTool, ToolFailure } from "../tool.ts";
import { docker } from "./docker-cli.ts";

const COMMAND_LIMIT_MS = 60_000;
/** Unless PGDATA names another. Source: the documentation of the official image. */
const DATA_FOLDER = "/var/lib/postgresql/data";
/** The server inside gets so long to end by itself before Docker kills it. */
export const STOP_GRACE_S = 20;

/** What Docker tells of a container that is not ours. */
export interface ContainerFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly isRunning: boolean;
  /** Why it would not be there again, or without its data, once it was stopped; undefined where it would. */
  readonly perishable: string | undefined;
  /** Where 5432 is published, as it was asked for: a port of 0 or "" is another one at every start. */
  readonly published: { readonly host: string; readonly port: string } | undefined;
}

interface Inspected {
  readonly Name: string;
  readonly State: { readonly Running: boolean; readonly Paused: boolean };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null; readonly Env: readonly string[] | null };
  readonly HostConfig: {
    readonly PortBindings: Readonly<
      Record<string, readonly { readonly HostIp?: string; readonly HostPort?: string }[] | null>
    > | null;
    readonly AutoRemove?: boolean;
    readonly Tmpfs?: Readonly<Record<string, string>> | null;
    readonly Mounts?: readonly { readonly Type: string; readonly Target: string }[] | null;
  };
}

/** @throws DebyError USAGE if there is no such container */
export async function inspectContainer(name: string): Promise<ContainerFacts> {
  try {
    const { stdout } = await docker(["container", "inspect", name], { limitMs: COMMAND_LIMIT_MS });
    const [inspected] = JSON.parse(stdout) as readonly Inspected[];
    if (inspected === undefined) throw new ToolFailure(`No such container: ${name}`);
    return readFacts(inspected);
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    throw new DebyError("USAGE", `Cannot look at the container ${name}: ${error.message}`, { cause: error });
  }
}

function readFacts({ Name, State, Config, HostConfig }: Inspected): ContainerFacts {
  const pairs = (Config.Env ?? []).map((line): [string, string] => {
    const [name = "", ...value] = line.split("=");
    return [name, value.join("=")];
  });
  const environment: Readonly<Record<string, string>> = Object.fromEntries(pairs);
  const [binding] = HostConfig.PortBindings?.["5432/tcp"] ?? [];
  const { HostIp = "", HostPort = "" } = binding ?? {};
  return {
    name: Name.replace(/^\//, ""),
    labels: Config.Labels ?? {},
    environment,
    isRunning: State.Running && !State.Paused,
    perishable: perishableBy(HostConfig, environment["PGDATA"] ?? DATA_FOLDER),
    published: binding && { host: HostIp === "" || HostIp === "0.0.0.0" ? "127.0.0.1" : HostIp, port: HostPort },
  };
}

function perishableBy({ AutoRemove, Tmpfs, Mounts }: Inspected["HostConfig"], dataFolder: string): string | undefined {
  if (AutoRemove) return "it was started with --rm, so that stopping it would remove it together with its data";
  const mounted = (Mounts ?? []).filter(({ Type }) => Type === "tmpfs").map(({ Target: path }) => path);
  const inMemory = [...Object.keys(Tmpfs ?? {}), ...mounted].find((path) => overlap(path, dataFolder));
  if (inMemory === undefined) return undefined;
  return `its data lies in memory (tmpfs on ${inMemory}), so that stopping it would lose them`;
}

/** Whether one of the folders lies in the other. */
function overlap(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => `${path.replace(/\/+$/, "")}/`) as [string, string];
  return one.startsWith(other) || other.startsWith(one);
}

/** Docker's own tools would not bring it back as it was. @throws DebyError USAGE */
export function requireLasting({ name, perishable }: ContainerFacts): void {
  if (perishable === undefined) return;
  throw new DebyError("USAGE", `Refused, and the container ${name} was not touched: ${perishable}`);
}

/**
 * How the container's database is reached, by what the official image is told in the environment.
 * @throws DebyError USAGE with what to change
 */
export function endpointOfContainer({ name, environment, isRunning, published }: ContainerFacts): DatabaseEndpoint {
  const refuse = (why: string): DebyError => new DebyError("USAGE", `Cannot use the container ${name}: ${why}`);
  if (!isRunning) throw refuse(`it does not run; start it with docker start ${name}`);
  if (published === undefined) throw refuse("it publishes no port 5432; publish one: -p 127.0.0.1:5432:5432");
  if (!/^[1-9]\d*$/.test(published.port)) {
    throw refuse("its port is another one after every start; publish a fixed one: -p 127.0.0.1:5432:5432");
  }
  const { POSTGRES_USER: user = "postgres", POSTGRES_PASSWORD: password = "" } = environment;
  const { POSTGRES_DB: database = user } = environment;
  return { host: published.host, port: Number(published.port), user, password: new Secret(password), database };
}

/** A container that somebody else made, to be harmed and healed, never removed. */
export function containerTarget(facts: ContainerFacts, kind: "docker" | "compose"): Target {
  const endpoint = endpointOfContainer(facts);
  const { name } = facts;
  const sql = speakSql(name, endpoint);
  return {
    kind,
    description: `container ${name} on ${endpoint.host}:${endpoint.port}, which was there before`,
    isForeign: true,
    endpoint,
    server: { ...controlContainer(name), demoter: undefined },
    sql,
    sqlWords: (...statements) => sqlWords(name, endpoint, statements),
    wantsPassword: () => wantsPassword(name, endpoint),
    strangerAt: async ({ startedAt }) =>
      (await sql(POSTMASTER_START)) === startedAt ? undefined : "the server inside started at another time",
    traffic: undefined,
    async readLog() {
      const { stdout, stderr } = await docker(["logs", "--tail", "20", name], { limitMs: COMMAND_LIMIT_MS });
      return `${stdout}\n${stderr}`.trim();
    },
  };
}

/** The commands that heal such a container, and what it says then. */
export function containerUndo(name: string): Undo {
  return {
    heal: [
      ["docker", "unpause", name],
      ["docker", "start", name],
    ],
    healed: {
      command: ["docker", "inspect", "--format", "{{.State.Running}} {{.State.Paused}}", name],
      prints: "true false",
      after: [`stop --time ${STOP_GRACE_S} ${name}`, `docker kill ${name}`, `docker pause ${name}`],
    },
    remove: [],
    folders: [],
    processes: [],
  };
}

/** A process that waits for the disk cannot be frozen at that moment; on a busy machine one does, now and then. */
const FREEZE_TRIES = 5;

/** @param hurry gives commands up; to be left out where the container has to be healed whatever happens */
export function controlContainer(name: string, hurry?: AbortSignal): Omit<ServerControl, "demoter"> {
  const options = { limitMs: COMMAND_LIMIT_MS, ...(hurry === undefined ? {} : { signal: hurry }) };
  const inspect = async (field: "Running" | "Paused"): Promise<string> => {
    const { stdout } = await docker(["inspect", "--format", `{{.State.${field}}}`, name], options);
    return stdout;
  };
  const isFrozen = async (): Promise<boolean> => (await inspect("Paused")) === "true";
  return {
    async stop() {
      await docker(["stop", "--time", String(STOP_GRACE_S), name], options);
    },
    async start() {
      await docker(["start", name], options);
    },
    async kill() {
      await docker(["kill", name], options);
    },
    isRunning: async () => (await inspect("Running")) !== "false",
    freezer: {
      async freeze() {
        for (let tries = 1; ; tries += 1) {
          try {
            await docker(["pause", name], options);
            return;
          } catch (error) {
            const isPassing = error instanceof ToolFailure && error.message.includes("unable to freeze");
            if (!isPassing || tries === FREEZE_TRIES) throw error;
          }
        }
      },
      async thaw() {
        try {
          await docker(["unpause", name], options);
        } catch (error) {
          // It was never frozen, or somebody has thawed it since.
          if (!(error instanceof ToolFailure) || (await isFrozen())) throw error;
        }
      },
      isFrozen,
    },
  };
}

/** Over the container's own socket, which asks for no password in the official image unless told to, and needs no port. */
export function speakSql(name: string, endpoint: DatabaseEndpoint, hurry?: AbortSignal): RunSql {
  return async (...statements) => {
    const options = { limitMs: COMMAND_LIMIT_MS, ...(hurry === undefined ? {} : { signal: hurry }) };
    const env = { PGPASSWORD: endpoint.password.reveal() };
    return (await runTool(sqlWords(name, endpoint, statements), { ...options, env })).stdout;
  };
}

/** Tried with none, neither from our environment nor from the container's own or a file in it. */
async function wantsPassword(name: string, endpoint: DatabaseEndpoint): Promise<string | undefined> {
  const none = ["--env", "PGPASSWORD=", "--env", "PGPASSFILE=/dev/null"];
  try {
    await docker(["exec", ...none, name, ...psqlWords(endpoint, ["select 1"])], { limitMs: COMMAND_LIMIT_MS });
    return undefined;
  } catch (error) {
    if (error instanceof ToolFailure) return error.message.split("\n").at(-1);
    throw error;
  }
}

function sqlWords(name: string, endpoint: DatabaseEndpoint, statements: readonly string[]): Words {
  return ["docker", "exec", "--env", "PGPASSWORD", name, ...psqlWords(endpoint, statements)];
}

/** Each statement in a transaction of its own. */
function psqlWords({ user, database }: DatabaseEndpoint, statements: readonly string[]): Words {
  const psql = ["psql", "-X", "-q", "-w", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database];
  return [...psql, ...statements.flatMap((statement) => ["-c", statement])];
}
