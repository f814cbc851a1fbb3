import { readFile } from "node:fs/promises";
import type { DatabaseTarget } from "../../config/types.ts";
import { DebyError } from "../../errors.ts";
import type { Undo, Words } from "../journal.ts";
import type { Freezer, ServerControl, Target } from "../target.ts";
import { runTool, ToolFailure } from "../tool.ts";
import { endpointOf } from "./configured.ts";
import { controlGroup, type ServiceCommands, serviceCommands } from "./service-commands.ts";

const COMMAND_LIMIT_MS = 60_000;

/** The configured database, which a service of this machine runs. @throws DebyError USAGE */
export function serviceTarget(name: string, database: DatabaseTarget, platform: NodeJS.Platform): Target {
  const endpoint = endpointOf(database);
  return {
    kind: "service",
    description: `service ${name}, on ${endpoint.host}:${endpoint.port}`,
    isForeign: true,
    endpoint,
    server: controlService(serviceCommands(platform, name)),
    sql: undefined,
    ...(platform === "linux" ? { strangerAt: ({ processId }) => strangerTo(name, processId) } : {}),
    traffic: undefined,
    readLog: async () => "",
  };
}

/**
 * Whether we may do it, found out by what does nothing to a service that runs.
 * @throws DebyError CANNOT_RUN with the way out
 */
export async function requireControl(name: string, platform: NodeJS.Platform): Promise<void> {
  // Other managers fail to start what runs.
  if (platform !== "linux") return;
  try {
    await runTool(serviceCommands(platform, name).start, { limitMs: COMMAND_LIMIT_MS });
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    const [why] = error.message.split("\n");
    const message = `The service ${name} was not touched, since it cannot be controlled without sudo: ${why}`;
    throw new DebyError("CANNOT_RUN", message, { cause: error });
  }
}

/** What the manager stops with the unit is its control group: the server has to be in it. */
async function strangerTo(name: string, processId: number | undefined): Promise<string | undefined> {
  const { stdout: group } = await runTool(controlGroup(name), { limitMs: COMMAND_LIMIT_MS });
  if (group === "") {
    throw new DebyError(
      "USAGE",
      `Refused, and the service ${name} was not touched: it has no process of its own. It is not there, does not run, or ` +
        "only stands for others: name the unit of the server itself, such as postgresql@17-main",
    );
  }
  const groups = processId === undefined ? undefined : await groupsOf(processId);
  // Where nothing may be seen, there is nothing to compare.
  if (groups === undefined || groups.some((path) => `${path}/`.includes(`${group}/`))) return undefined;
  return `it is process ${processId}, which ${name} does not run`;
}

/** Undefined if the process may not be seen, or has the number of another in a namespace of its own. */
async function groupsOf(pid: number): Promise<readonly string[] | undefined> {
  try {
    const name = await readFile(`/proc/${pid}/comm`, "utf8");
    if (!/^post(gres|master)/.test(name)) return undefined;
    // `number:controllers:path`
    const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
    return lines.map((line) => line.split(":").slice(2).join(":"));
  } catch {
    return undefined;
  }
}

/** Starting what runs does nothing, and a service that runs needs no other proof. */
export function serviceUndo(name: string, platform: NodeJS.Platform): Undo {
  const { thaw, start, stop, state } = serviceCommands(platform, name);
  const healed = { command: state, prints: "ActiveState=active", after: [stop.join(" ")] };
  const proof = platform === "linux" ? { healed } : {};
  return { heal: [...(thaw === undefined ? [] : [thaw]), start], ...proof, remove: [], folders: [], processes: [] };
}

function controlService({ stop, start, kill, freeze, thaw, state, runs }: ServiceCommands): ServerControl {
  const run = async (words: Words): Promise<string> => (await runTool(words, { limitMs: COMMAND_LIMIT_MS })).stdout;
  let isFrozen = false;
  const freezer: Freezer | undefined = freeze &&
    thaw && {
      async freeze() {
        await run(freeze);
        isFrozen = true;
      },
      async thaw() {
        await run(thaw);
        isFrozen = false;
      },
      // The manager knows nothing of it: the probe has to tell.
      isFrozen: async () => isFrozen,
    };
  return {
    async stop() {
      await run(stop);
    },
    async start() {
      await run(start);
    },
    kill:
      kill &&
      (async () => {
        await run(kill);
      }),
    isRunning: async () => runs.test(await run(state)),
    freezer,
    demoter: undefined,
  };
}
