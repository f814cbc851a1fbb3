import type { DatabaseTarget } from "../../config/types.ts";
import type { Undo, Words } from "../journal.ts";
import type { Freezer, ServerControl, Target } from "../target.ts";
import { runTool } from "../tool.ts";
import { endpointOf } from "./configured.ts";
import { type ServiceCommands, serviceCommands } from "./service-commands.ts";

const COMMAND_LIMIT_MS = 60_000;

/** The configured database, which a service of this machine runs. @throws DebyError USAGE */
export function serviceTarget(name: string, database: DatabaseTarget, platform: NodeJS.Platform): Target {
  const endpoint = endpointOf(database);
  return {
    kind: "service",
    description: `service ${name}, on ${endpoint.host}:${endpoint.port}`,
    isForeign: true,
    endpoint,
    asks: "tls",
    server: controlService(serviceCommands(platform, name)),
    sql: undefined,
    traffic: undefined,
    readLog: async () => "",
  };
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
