import type { Fault } from "../scenario.ts";
import type { ServerControl } from "../target.ts";

/** The server is gone and its port refuses, however it was made to go; it is started again. */
export function absence(server: ServerControl, inject: () => Promise<void>): Fault {
  return {
    inject,
    async contradiction(probe) {
      if (await server.isRunning()) return "the server still runs";
      return probe === "refused" ? undefined : `its port does not refuse connections (last probe: ${probe ?? "none"})`;
    },
    heal: () => server.start(),
  };
}
