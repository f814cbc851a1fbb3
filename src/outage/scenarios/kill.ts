import type { Scenario } from "../scenario.ts";
import { absence } from "./absence.ts";

/** A crash: nobody is told, and the server has to recover before it takes connections again. */
export const kill: Scenario = {
  name: "kill",
  summary: "the server is killed without a warning, and started again",
  slos: ["ttd<3s", "appLag<2s", "lost==0", "duplicate==0", "unknown==0", "hung==0"],
  bind: ({ server }) => server && absence(server, () => server.kill()),
};
