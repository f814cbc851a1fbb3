import type { Scenario } from "../scenario.ts";
import { OUTAGE } from "./objectives.ts";

/**
 * What a failover leaves behind where the address did not move: the old primary is a standby, which answers, lets in
 * and takes no writes. A default of read-only transactions would not do: whoever begins one that writes is let.
 */
export const readOnly: Scenario = {
  name: "read-only",
  summary: "the server is made a standby that takes no writes (25006), and is promoted again",
  slos: OUTAGE,
  needs: ["demote"],
  bind({ server }) {
    const demoter = server?.demoter;
    if (demoter === undefined) return undefined;
    return {
      offersSessions: true,
      provenBy: "write",
      inject: () => demoter.demote(),
      async contradiction(probe) {
        if (probe?.result !== "ready") return `the server offers no session (last probe: ${probe?.result ?? "none"})`;
        return (await demoter.isStandby()) ? undefined : "the server is still a primary";
      },
      heal: () => demoter.promote(),
    };
  },
};
