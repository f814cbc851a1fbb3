import type { Scenario } from "../scenario.ts";
import { disturbance } from "./disturbance.ts";
import { OUTAGE } from "./objectives.ts";

/** What a firewall does that has lost its memory: every connection is reset, each new one too. */
export const reset: Scenario = {
  name: "reset",
  summary: "every connection is reset, and each new one too",
  slos: OUTAGE,
  needs: ["traffic"],
  bind: ({ traffic }) => traffic && disturbance(traffic, { kind: "accept-and-reset" }, "reset"),
};
