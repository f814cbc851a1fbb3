import type { Fault } from "../scenario.ts";
import type { ServerControl, Target } from "../target.ts";
import { disturbance } from "./disturbance.ts";

/** The server is gone and its port refuses, however it was made to go; it is started again. */
export function absence(server: ServerControl, inject: () => Promise<void>): Fault {
  return {
    inject,
    async contradiction(probe) {
      if (await server.isRunning()) return "the server still runs";
      const { result = "none" } = probe ?? {};
      return result === "refused" ? undefined : `its port does not refuse connections (last probe: ${result})`;
    },
    heal: () => server.start(),
  };
}

/** Stopped where there is the power for it; else as if it were, for our own traffic. */
export function stopped({ server, traffic }: Target): Fault | undefined {
  if (server !== undefined) return absence(server, () => server.stop());
  return traffic && disturbance(traffic, { kind: "refuse" }, "refused");
}
