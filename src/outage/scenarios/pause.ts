import type { Scenario } from "../scenario.ts";
import { SILENCE } from "./objectives.ts";

/** A machine or a process that hangs: connections stay open and are even accepted, and no byte comes back. */
export const pause: Scenario = {
  name: "pause",
  summary: "the server is frozen, its connections stay open and nothing answers, and thawed again",
  slos: SILENCE,
  isSilent: true,
  needs: ["freeze"],
  bind({ server }) {
    const freezer = server?.freezer;
    if (freezer === undefined) return undefined;
    return {
      inject: () => freezer.freeze(),
      async contradiction(probe) {
        if (!(await freezer.isFrozen())) return "the server is not frozen";
        const { result = "none" } = probe ?? {};
        return result === "mute" ? undefined : `it still answers (last probe: ${result})`;
      },
      heal: () => freezer.thaw(),
    };
  },
};
