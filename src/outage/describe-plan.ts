import { formatDuration } from "../config/duration.ts";
import { plannedSlos } from "./planned-slos.ts";
import type { OutagePlan } from "./run-outage.ts";

/** What a run would do, in lines; nothing is asked, looked at or done for it. */
export function describePlan(plan: OutagePlan): string[] {
  const { scenario } = plan;
  const outageMs = scenario.outageMs ?? plan.outageMs;
  const slos = plannedSlos(plan).map(({ expression }) => expression);
  const load = `${plan.ratePerSecond} requests a second, ${Math.round(plan.writeShare * 100)} % writes`;
  const away = outageMs === 0 ? "as the scenario says" : `for ${formatDuration(outageMs)}`;
  return [
    `Scenario    ${scenario.name}: ${scenario.summary}`,
    `Target      ${describeTarget(plan)}`,
    `Server      ${describeServer(plan)}`,
    `Before      the note for healing is written, and a watchdog set on it that heals if this process is killed`,
    `Load        ${load}, seed ${plan.seed}`,
    `Phases      ${formatDuration(plan.warmupMs)} warm-up; the fault, verified from outside, ${away}; ` +
      `healing; at most ${formatDuration(plan.settleMs)} until all is steady`,
    `Objectives  ${slos.join(" ")}`,
    "After       every acknowledged write is compared with the table, and what the run made is removed",
    "Nothing was done: this is the plan only",
  ];
}

function describeTarget({ target, image, container, service, proxyPort, database, confirm }: OutagePlan): string {
  const [host] = database.hosts;
  const where = `${host?.host}:${host?.port}/${database.database}`;
  const allowed = confirm === undefined ? "if its label deby.chaos=allow says so" : `as --confirm ${confirm} says`;
  if (container !== undefined) return `the container ${container}, ${allowed}, and if nobody else is connected to it`;
  switch (target) {
    case "auto":
      return `a throw-away container from ${image} where an engine answers, else an embedded PostgreSQL`;
    case "docker":
      return `a throw-away container from ${image}`;
    case "embedded":
      return "a throw-away embedded PostgreSQL";
    case "compose":
      return `the container of ${service ?? "the Postgres service"} in the compose project of this folder, ${allowed}`;
    case "proxy":
      return `a proxy on ${proxyPort ?? "a free port"} in front of ${where}; only what goes through it is cut`;
    case "service":
      return `the service ${service ?? "that --service names"}, whose database is ${where}, ${allowed}`;
    default:
      return target satisfies never;
  }
}

function describeServer({ server, target, proxyPort }: OutagePlan): string {
  if (server === undefined) return "a deby serve of its own, as a separate process";
  const pointed =
    target === "proxy" ? `, whose database has to be 127.0.0.1:${proxyPort ?? "(name a --proxy-port)"}` : "";
  return `http://${server.host}:${server.port}, which runs already${pointed}`;
}
