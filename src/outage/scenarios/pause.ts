import type { Scenario } from "../scenario.ts";

/** A machine or a process that hangs: connections stay open and are even accepted, and no byte comes back. */
export const pause: Scenario = {
  name: "pause",
  summary: "the server is frozen, its connections stay open and nothing answers, and thawed again",
  slos: ["ttd<5s", "appLag<2s", "lost==0", "duplicate==0", "unknown==0", "hung==0"],
  bind({ server }) {
    const freezer = server?.freezer;
    if (freezer === undefined) return undefined;
    return {
      inject: () => freezer.freeze(),
      async contradiction(probe) {
        if (!(await freezer.isFrozen())) return "the server is not frozen";
        return probe === "mute" ? undefined : `it still answers (last probe: ${probe ?? "none"})`;
      },
      heal: () => freezer.thaw(),
    };
  },
};
