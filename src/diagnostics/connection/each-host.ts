import type { Connection } from "../../database/connection.ts";
import type { CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";

interface HostFinding {
  readonly host: HostProgress;
  readonly finding: Finding;
}

interface OpenHost {
  readonly host: HostProgress;
  readonly connection: Connection;
}

/**
 * Looks at every host that has got so far. The step holds when one of them gets through it: the others are out, and a
 * warning tells why.
 */
export async function eachHost(
  context: CheckContext,
  look: (host: HostProgress) => Promise<Finding>,
): Promise<Finding> {
  const hosts = context.session.hosts(context.subject);
  const looking = hosts.filter(({ isOut }) => !isOut).map(async (host) => ({ host, finding: await look(host) }));
  const found = await Promise.all(looking);
  for (const { host, finding } of found) host.isOut = isObstacle(finding);
  return joinFindings(found, hosts.length > 1);
}

/** What is said of several hosts as one finding; `isNamed`: each line begins with its host. */
function joinFindings(found: readonly HostFinding[], isNamed: boolean): Finding {
  const lines = found.flatMap(({ host: { host, label }, finding: { evidence } }) =>
    evidence.split("\n").map((line) => (!isNamed || line.startsWith(host.host) ? line : `${label}: ${line}`)),
  );
  const evidence = [...new Set(lines)].join("\n");
  const findings = found.map(({ finding }) => finding);
  const obstacle = findings.find(isObstacle);
  const isHeldUp = obstacle !== undefined && findings.every(isObstacle);
  const byStatus = (wanted: Finding["status"]) => findings.find(({ status }) => status === wanted);
  const worst = obstacle ?? byStatus("fail") ?? byStatus("warn") ?? findings[0];
  if (worst === undefined) return { status: "unknown", evidence: "There is no host to look at" };
  // What stands in the way may be another thing at each host.
  const alike = findings.filter(({ status }) => status === worst.status);
  const [first, ...others] = new Set(alike.flatMap(({ cause }) => (cause === undefined ? [] : [cause])));
  const cause = first === undefined ? undefined : [first, ...others.map(firstSentence)].join("\n");
  const status = obstacle !== undefined && !isHeldUp ? "warn" : worst.status;
  return { ...worst, status, evidence, ...(cause === undefined ? {} : { cause }) };
}

function firstSentence(cause: string): string {
  return cause.split(". ")[0] ?? cause;
}

function isObstacle({ status, isPassable = false }: Finding): boolean {
  return (status === "fail" || status === "unknown") && !isPassable;
}

/** The connections that are open to hosts which are still in. */
export async function openConnections({ session, subject }: CheckContext): Promise<readonly OpenHost[]> {
  const hosts = session.hosts(subject).filter(({ isOut }) => !isOut);
  const opened = await Promise.all(hosts.map(async (host) => ({ host, opening: await host.opening })));
  return opened.flatMap(({ host, opening }) =>
    opening?.connection === undefined ? [] : [{ host, connection: opening.connection }],
  );
}

/** The same as `eachHost`, for what is asked over the open connection. */
export function eachConnection(
  context: CheckContext,
  look: (connection: Connection) => Promise<Finding>,
): Promise<Finding> {
  return eachHost(context, async (host) => {
    const { connection } = await context.session.opened(host, context);
    if (connection === undefined) return { status: "unknown", evidence: "The connection is gone" };
    return await look(connection);
  });
}
