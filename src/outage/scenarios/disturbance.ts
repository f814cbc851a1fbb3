import type { ArrivalMode } from "../fault-mode.ts";
import type { FaultProxy } from "../fault-proxy.ts";
import type { ProbeResult } from "../raw-probe.ts";
import type { Fault } from "../scenario.ts";

/** Ends every connection that stands, and does something to each new one, which the raw probe then finds. */
export function disturbance(traffic: FaultProxy, mode: ArrivalMode, expected: ProbeResult): Fault {
  return {
    async inject() {
      await traffic.setNew(mode);
      traffic.resetAll();
    },
    contradiction: async (probe) => contradict(probe?.result, expected),
    heal: () => traffic.setNew({ kind: "pass" }),
  };
}

export function contradict(found: ProbeResult | undefined, expected: ProbeResult): string | undefined {
  return found === expected ? undefined : `a new connection is not ${expected} (last probe: ${found ?? "none"})`;
}
