import type { ServerAddress } from "./health-watch.ts";
import type { OnStep } from "./progress.ts";
import { awaitServer } from "./running-server.ts";
import { type ServeChildOptions, startServeChild } from "./serve-child.ts";

/** The server under test, whoever started it. */
export interface JudgedServer extends ServerAddress {
  /** Undefined while it runs, and for a server that is not ours. */
  ending(): string | undefined;
  /** The last lines of its log; empty for a server that is not ours. */
  logTail(): string;
}

/** @param running one that runs already; undefined: deby serve is started */
export async function readyServer(
  running: ServerAddress | undefined,
  options: ServeChildOptions & { readonly onStep: OnStep },
): Promise<JudgedServer> {
  const { onStep, clock, interruption } = options;
  if (running !== undefined) {
    onStep(`waiting for the server on http://${running.host}:${running.port}`);
    await awaitServer(running, { clock, signal: interruption.signal });
    return { ...running, ending: () => undefined, logTail: () => "" };
  }
  onStep("starting deby serve on it");
  const server = await startServeChild(options);
  onStep(`deby serve answers on http://${server.host}:${server.port} (pid ${server.pid})`);
  return server;
}
