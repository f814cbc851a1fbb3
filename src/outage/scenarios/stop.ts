import type { Scenario } from "../scenario.ts";
import { absence } from "./absence.ts";

/** An orderly stop, as an administrator or an update does it: every session is told, then the port refuses. */
export const stop: Scenario = {
  name: "stop",
  summary: "the server is shut down in an orderly way, and started again",
  slos: ["ttd<3s", "appLag<2s", "lost==0", "duplicate==0", "unknown==0", "hung==0"],
  bind: ({ server }) => server && absence(server, () => server.stop()),
};
