import { systemClock } from "../../core/clock.ts";
import { GreedyClient } from "../greedy-client.ts";
import type { Scenario } from "../scenario.ts";
import { NO_OUTAGE } from "./objectives.ts";

/** Another program that takes all that max_connections allows: whoever has sessions lives on those. */
export const exhaust: Scenario = {
  name: "exhaust",
  summary: "other clients take every free session (53300), and give them back; those that stand go on",
  slos: NO_OUTAGE,
  needs: ["sessions"],
  expectsNoOutage: true,
  bind({ endpoint }) {
    const greedy = new GreedyClient(endpoint, systemClock);
    return {
      inject: async () => greedy.take(),
      async contradiction(probe) {
        if (greedy.refusals === 0) return `the server has not said 53300 to the ${greedy.held} clients that it took`;
        const { result = "none" } = probe ?? {};
        return result === "turned-away" ? undefined : `it still takes sessions (last probe: ${result})`;
      },
      heal: async () => greedy.release(),
    };
  },
};
