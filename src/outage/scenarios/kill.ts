import type { Scenario } from "../scenario.ts";
import { absence } from "./absence.ts";
import { OUTAGE } from "./objectives.ts";

/** A crash: nobody is told, and the server has to recover before it takes connections again. */
export const kill: Scenario = {
  name: "kill",
  summary: "the server is killed without a warning, and started again",
  slos: OUTAGE,
  needs: ["kill"],
  bind({ server }) {
    const end = server?.kill;
    return server && end && absence(server, end);
  },
};
