import type { Scenario } from "../scenario.ts";
import { absence } from "./absence.ts";
import { OUTAGE } from "./objectives.ts";

/** An orderly stop, as an administrator or an update does it: every session is told, then the port refuses. */
export const stop: Scenario = {
  name: "stop",
  summary: "the server is shut down in an orderly way, and started again",
  slos: OUTAGE,
  needs: ["stop"],
  bind: ({ server }) => server && absence(server, () => server.stop()),
};
