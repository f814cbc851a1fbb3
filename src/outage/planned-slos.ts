import { formatDuration } from "../config/duration.ts";
import { DebyError } from "../errors.ts";
import type { Scenario } from "./scenario.ts";
import { overrideSlos, parseSlo, type Slo } from "./slo.ts";

/** What the objectives of a run depend on. */
export interface SloPlan {
  readonly scenario: Scenario;
  readonly settleMs: number;
  readonly retryIntervalMs: number;
  /** In place of the scenario's own of the same figures. */
  readonly slos: readonly Slo[];
}

/** The objectives that a run will be judged by. */
export function plannedSlos({ scenario, settleMs, retryIntervalMs, slos }: SloPlan): Slo[] {
  const own = scenario.slosFor?.({ retryIntervalMs }) ?? scenario.slos;
  return overrideSlos([...own, `steady<=${formatDuration(settleMs)}`].map(parseSlo), slos);
}

/**
 * A silence that ends before it has to be noticed proves nothing, and would be held against the server.
 * @throws DebyError USAGE with what to do
 */
export function requireNoticeable(plan: SloPlan & { readonly outageMs: number }): void {
  const { scenario, outageMs } = plan;
  const due = plannedSlos(plan).find(({ figure }) => figure === "ttd");
  if (!scenario.isSilent || due === undefined || outageMs >= due.bound) return;
  throw new DebyError(
    "USAGE",
    `The scenario ${scenario.name} is noticed by missing answers only, and --outage ${formatDuration(outageMs)} ends it ` +
      `before its objective ${due.expression} is due: use --outage ${formatDuration(due.bound)} or more, or another --slo`,
  );
}
