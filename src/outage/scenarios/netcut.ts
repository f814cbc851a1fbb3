import type { Scenario } from "../scenario.ts";
import { contradict } from "./disturbance.ts";
import { SILENCE } from "./objectives.ts";

/** A cable that was pulled: connections stay open, nothing arrives in either direction, and nothing says so. */
export const netcut: Scenario = {
  name: "netcut",
  summary: "the network to the server falls silent: nothing arrives, nothing is closed, and it comes back",
  slos: SILENCE,
  isSilent: true,
  needs: ["traffic"],
  bind: ({ traffic }) =>
    traffic && {
      inject: () => traffic.setAll({ kind: "silence" }),
      contradiction: async (probe) => contradict(probe?.result, "mute"),
      heal: () => traffic.setAll({ kind: "pass" }),
    },
};
