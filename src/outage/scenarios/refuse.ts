import type { Scenario } from "../scenario.ts";
import { disturbance } from "./disturbance.ts";
import { OUTAGE } from "./objectives.ts";

/** The machine is there and nobody listens: every connection is reset, and the port refuses. */
export const refuse: Scenario = {
  name: "refuse",
  summary: "every connection is reset, and the port refuses new ones",
  slos: OUTAGE,
  needs: ["traffic"],
  bind: ({ traffic }) => traffic && disturbance(traffic, { kind: "refuse" }, "refused"),
};
