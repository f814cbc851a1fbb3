import type { Scenario } from "../scenario.ts";
import { disturbance } from "./disturbance.ts";
import { OUTAGE } from "./objectives.ts";

/** What a proxy does whose server is gone, such as Docker's: it accepts, and closes without a word (moby#16976). */
export const fin: Scenario = {
  name: "fin",
  summary: "every connection is ended, and each new one is accepted and closed without a word",
  slos: OUTAGE,
  needs: ["traffic"],
  bind: ({ traffic }) => traffic && disturbance(traffic, { kind: "accept-and-close" }, "closed"),
};
