import { DebyError } from "../errors.ts";
import { ImpossibleScenario } from "./impossible-scenario.ts";
import { requireNoticeable } from "./planned-slos.ts";
import type { OnStep } from "./progress.ts";
import type { OutagePlan } from "./run-outage.ts";
import { requirePossible } from "./scenarios/all.ts";
import { chooseTarget, powersOf, type TargetKind } from "./targets/choose.ts";
import { requireFitting } from "./targets/fitting.ts";

/**
 * What can be told of a plan without looking at anything.
 * @throws DebyError USAGE; ImpossibleScenario if the target cannot do the scenario
 */
export function requirePlannable(plan: OutagePlan): void {
  requireFitting(plan);
  requireNoticeable(plan);
  const { container, target } = plan;
  if (container !== undefined) requireKindPossible("container", plan);
  else if (target !== "auto") requireKindPossible(target, plan);
}

/** Which target it is to be. @throws as requirePlannable(); Interrupted */
export async function choosePossible(
  plan: OutagePlan,
  options: { readonly signal: AbortSignal; readonly onStep: OnStep },
): Promise<TargetKind> {
  requirePlannable(plan);
  const kind = await chooseTarget(plan.target, { image: plan.image, container: plan.container, ...options });
  requireKindPossible(kind, plan);
  return kind;
}

function requireKindPossible(kind: TargetKind, { scenario, server }: OutagePlan): void {
  const hasServer = server !== undefined;
  if (hasServer && (kind === "docker" || kind === "embedded")) {
    throw new DebyError(
      "USAGE",
      `A server that runs already has a database of its own, and the target ${kind} would be another one: ` +
        "name its container by --container, or put --target proxy in front of its database and point it there",
    );
  }
  if (hasServer && scenario.startsDown) {
    throw new ImpossibleScenario(`The scenario ${scenario.name} starts the server, and --server runs already`);
  }
  requirePossible(scenario, kind, powersOf(kind, { hasServer, platform: process.platform }));
}
