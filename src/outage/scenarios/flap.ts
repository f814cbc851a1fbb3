import { sleep, systemClock } from "../../core/clock.ts";
import type { Fault, Scenario } from "../scenario.ts";
import { stopped } from "./absence.ts";
import { OUTAGE } from "./objectives.ts";

const TIMES = 3;
const PERIOD_MS = 2_000;

/** A server that crashes again soon after its start: whoever believed the first success is caught by the next fault. */
export const flap: Scenario = {
  name: "flap",
  summary: `the server goes away ${TIMES} times for ${PERIOD_MS / 1_000} s, and is back for as long in between`,
  slos: OUTAGE,
  needs: ["stop", "traffic"],
  outageMs: 0,
  bind(target) {
    const fault = stopped(target);
    return fault && { ...fault, sustain: (signal) => goOn(fault, signal) };
  },
};

/** The first time has been injected, the last one is healed by whoever called. */
async function goOn(fault: Fault, signal: AbortSignal): Promise<void> {
  await sleep(systemClock, PERIOD_MS, signal);
  for (let time = 1; time < TIMES && !signal.aborted; time++) {
    await fault.heal();
    await sleep(systemClock, PERIOD_MS, signal);
    if (signal.aborted) return;
    await fault.inject();
    await sleep(systemClock, PERIOD_MS, signal);
  }
}
