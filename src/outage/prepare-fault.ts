import { FaultProxy } from "./fault-proxy.ts";
import { findFreePort } from "./free-port.ts";
import { ImpossibleScenario } from "./impossible-scenario.ts";
import type { ResourceStack } from "./resource-stack.ts";
import type { Fault, Scenario } from "./scenario.ts";
import type { DatabaseEndpoint, Target } from "./target.ts";
import { behindProxy } from "./targets/configured.ts";

const HEAL_LIMIT_MS = 120_000;

/** A fault that is ready to be done, and the way to the database that it lies on. */
export interface PreparedFault {
  readonly fault: Fault;
  readonly route: DatabaseEndpoint;
}

/** Binds the fault to the target, behind a proxy where it is done to the traffic. @throws ImpossibleScenario */
export async function prepareFault(
  scenario: Scenario,
  target: Target,
  resources: ResourceStack,
): Promise<PreparedFault> {
  const isOfTraffic = scenario.needs.every((power) => power === "traffic" || power === "delay");
  const traffic =
    target.traffic === undefined && isOfTraffic ? await startProxy(target.endpoint, resources) : target.traffic;
  const fault = scenario.bind({ ...target, traffic });
  if (fault === undefined) {
    throw new ImpossibleScenario(`The target ${target.kind} cannot do the scenario ${scenario.name}`);
  }
  const route = traffic === undefined ? target.endpoint : behindProxy(target.endpoint, traffic);
  return { fault: target.isForeign ? healedAnyway(fault, target, resources) : fault, route };
}

async function startProxy({ host, port }: DatabaseEndpoint, resources: ResourceStack): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen({ target: { host, port }, port: await findFreePort() });
  resources.add({ what: `the proxy on port ${proxy.port}`, limitMs: 5_000, remove: () => proxy.close() });
  return proxy;
}

/** What is ours is removed at the end; what is not has to be healed by then, however the run ended. */
function healedAnyway(fault: Fault, { description }: Target, resources: ResourceStack): Fault {
  let isHarmed = false;
  const heal = async (): Promise<void> => {
    await fault.heal();
    isHarmed = false;
  };
  resources.add({
    what: `the fault from the ${description}`,
    limitMs: HEAL_LIMIT_MS,
    remove: async () => (isHarmed ? await heal() : undefined),
  });
  return {
    ...fault,
    async inject() {
      isHarmed = true;
      await fault.inject();
    },
    heal,
  };
}
