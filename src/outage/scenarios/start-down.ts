import type { Scenario } from "../scenario.ts";
import { stopped } from "./absence.ts";
import { OUTAGE } from "./objectives.ts";

/** What happens when a whole machine starts, or a deployment meets an outage: the server is there first. */
export const startDown: Scenario = {
  name: "start-down",
  summary: "serve is started while the server is down, which is started later",
  slos: OUTAGE,
  needs: ["stop", "traffic"],
  startsDown: true,
  bind: stopped,
};
