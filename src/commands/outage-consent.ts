import { formatDuration } from "../config/duration.ts";
import { DebyError } from "../errors.ts";
import type { OutagePlan } from "../outage/run-outage.ts";
import type { CommandIo } from "./io.ts";

/**
 * Asks whoever sits at the terminal before anything is broken that deby did not make, once for all runs. Where nobody
 * sits there, the label or the name in `--confirm` has to do, as it has to do anyway.
 * @throws DebyError USAGE when the answer is no
 */
export async function requireConsent(
  plans: readonly OutagePlan[],
  { io, isGiven }: { readonly io: CommandIo; readonly isGiven: boolean },
): Promise<void> {
  const [plan] = plans;
  const victim = plan && victimOf(plan);
  // A pipeline may lend its jobs a terminal at which nobody sits.
  if (plan === undefined || victim === undefined || isGiven || io.env["CI"]) return;
  const names = [...new Set(plans.map(({ scenario }) => scenario.name))].join(", ");
  const times = plans.length === 1 ? "" : `, ${plans.length} runs`;
  const question = `This breaks ${victim}: ${names}${times}, with outages of ${formatDuration(plan.outageMs)}. Go on? [y/N] `;
  const answer = await io.ask(question);
  if (answer === undefined || /^\s*y(es)?\s*$/i.test(answer)) return;
  throw new DebyError("USAGE", `Not confirmed, and ${victim} was not touched. To go on unasked: --yes`);
}

/** What is broken, in words; undefined where it is deby's own, or nothing but its own traffic. */
function victimOf({ target, container, service }: OutagePlan): string | undefined {
  if (container !== undefined) return `the container ${container}`;
  switch (target) {
    case "compose":
      return `the compose project's ${service ?? "Postgres"}`;
    case "service":
      return `the service ${service ?? "of this machine"}`;
    default:
      return undefined;
  }
}
