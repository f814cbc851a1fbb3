import type { Scenario } from "../scenario.ts";
import { stop } from "./stop.ts";

/** What an update of the server or of its settings does: stopped in an orderly way, and started at once. */
export const restart: Scenario = {
  ...stop,
  name: "restart",
  summary: "the server is shut down in an orderly way, and started again at once",
  outageMs: 0,
};
