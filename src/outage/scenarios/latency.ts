import type { Scenario } from "../scenario.ts";
import { NO_OUTAGE } from "./objectives.ts";

/** In each direction: a round trip takes twice that longer, as from one continent to the next. */
const DELAY_MS = 40;

/** A network that has become slow is no outage: whoever takes it for one makes it worse. */
export const latency: Scenario = {
  name: "latency",
  summary: `every round trip to the server takes ${2 * DELAY_MS} ms longer for a while`,
  slos: NO_OUTAGE,
  needs: ["delay"],
  expectsNoOutage: true,
  bind: ({ traffic }) =>
    traffic && {
      offersSessions: true,
      provenBy: "session",
      inject: () => traffic.setAll({ kind: "latency", delayMs: DELAY_MS }),
      async contradiction(probe) {
        if (probe?.result !== "ready") return `the server offers no session (last probe: ${probe?.result ?? "none"})`;
        const tookMs = probe.endedAt - probe.startedAt;
        return tookMs >= 2 * DELAY_MS ? undefined : `a session is offered after ${Math.round(tookMs)} ms`;
      },
      heal: () => traffic.setAll({ kind: "pass" }),
    },
};
