import type { Connection } from "../../database/connection.ts";
import { type Fitness, fitnessOf, hasRole, isUnique } from "../../database/role.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { remedyFor } from "../remedies.ts";
import { openConnections } from "./each-host.ts";

interface Seen {
  readonly host: HostProgress;
  readonly connection: Connection;
  readonly fitness: Fitness;
}

const BEST_FIRST: readonly Fitness[] = ["wanted", "makeshift", "reads-only", "unfit"];

/** Whether a server is of the kind that target-session-attrs asks for; the checks after it use the best one. */
export const roleCheck: Check = {
  id: "role",
  title: "Server role",
  group: "connection",
  about:
    "Primary or standby, and whether it takes writes. Of several hosts one has to have the role that " +
    "target-session-attrs asks for; two that take writes are reported.",
  needs: ["query"],
  run: chooseHost,
};

async function chooseHost(context: CheckContext): Promise<Finding> {
  const { session, subject } = context;
  const wanted = subject.target.targetSessionAttrs;
  const open = await openConnections(context);
  const seen = open.map(({ host, connection }): Seen => {
    return { host, connection, fitness: fitnessOf(connection.facts, wanted) };
  });
  const best = BEST_FIRST.map((fitness) => seen.find((each) => each.fitness === fitness)).find(Boolean);
  session.chosen = best?.host;
  const areSeveral = session.hosts(subject).length > 1;
  const evidence = seen.map((each) => (areSeveral ? `${each.host.label}: ` : "") + describeRole(each)).join("\n");
  if (best === undefined || !hasRole(best.connection.facts, wanted)) {
    const detail = seen.map(describeRole).join("; ");
    const trouble = { code: "NO_SUITABLE_HOST", message: "no host has the role", detail };
    return { status: "fail", evidence, ...remedyFor(trouble, subject, best?.host.host) };
  }
  const rival = seen.find(({ connection }) => isRival(connection, best.connection));
  if (!isUnique(wanted) || rival === undefined) return { status: "pass", evidence };
  const trouble = { code: "TWO_PRIMARIES", message: "two servers take writes", detail: rival.host.label };
  return { status: "warn", evidence, ...remedyFor(trouble, subject, best.host.host) };
}

function isRival({ facts, backend }: Connection, chosen: Connection): boolean {
  return !facts.isReadOnly && !facts.isStandby && backend.server !== chosen.backend.server;
}

function describeRole({ connection: { facts } }: Seen): string {
  return `${facts.isStandby ? "a standby" : "a primary"}, ${facts.isReadOnly ? "read-only" : "takes writes"}`;
}
