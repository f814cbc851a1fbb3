import type { DatabaseTarget } from "../../config/types.ts";
import { DebyError } from "../../errors.ts";
import type { Undo, Words } from "../journal.ts";
import type { Freezer, ServerControl, Target } from "../target.ts";
import { runTool, ToolFailure } from "../tool.ts";
import { endpointOf } from "./configured.ts";
import { type ServiceCommands, serviceCommands } from "./service-commands.ts";
import { requireNoDependants } from "./service-dependants.ts";
import { strangerTo } from "./service-identity.ts";

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
    strangerAt: (reached) => strangerTo(name, { endpoint, reached, platform }),
    traffic: undefined,
    readLog: async () => "",
  };
}

/**
 * Whether we may do it, found out by what does nothing to a service that runs, and whether healing brings all of it back.
 * @throws DebyError CANNOT_RUN or USAGE with the way out
 */
export async function requireControl(name: string, platform: NodeJS.Platform): Promise<void> {
  // Other managers fail to start what runs.
  if (platform !== "linux") return;
  await requireNoDependants(name);
  try {
    await runTool(serviceCommands(platform, name).start, { limitMs: COMMAND_LIMIT_MS });
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    const [why] = error.message.split("\n");
    const message = `The service ${name} was not touched, since it cannot be controlled without sudo: ${why}`;
    throw new DebyError("CANNOT_RUN", message, { cause: error });
  }
}

/** Starting what runs does nothing, and a service that runs needs no other proof. */
export function serviceUndo(name: string, platform: NodeJS.Platform): Undo {
  const { thaw, start, stop, kill, freeze, state } = serviceCommands(platform, name);
  const harms = [stop, kill, freeze].flatMap((words) => (words === undefined ? [] : [words.join(" ")]));
  const healed = { command: state, prints: "ActiveState=active", after: harms };
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
  const isRunning = async (): Promise<boolean> => runs.test(await run(state));
  return {
    async stop() {
      await run(stop);
    },
    async start() {
      try {
        await run(start);
      } catch (error) {
        // Some managers fail to start what runs.
        if (!(error instanceof ToolFailure) || !(await isRunning())) throw error;
      }
    },
    kill:
      kill &&
      (async () => {
        await run(kill);
      }),
    isRunning,
    freezer,
    demoter: undefined,
  };
}
