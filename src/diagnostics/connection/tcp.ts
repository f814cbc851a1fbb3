import type { HostPort } from "../../config/types.ts";
import { addressLabel, knock } from "../../database/dial.ts";
import type { Reason } from "../../database/events.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { findLocalServers } from "../local-servers.ts";
import { isLoopback } from "../remedies/trouble.ts";
import { remedyFor } from "../remedies.ts";
import { eachHost } from "./each-host.ts";

interface Knocked {
  readonly line: string;
  readonly reason?: Reason;
}

/** Whether anything listens, address by address. A host is reachable when one of its addresses is. */
export const tcpCheck: Check = {
  id: "tcp",
  title: "TCP connection",
  group: "connection",
  about: "Whether anything listens, address by address. A host is reachable when one of its addresses is.",
  needs: ["dns"],
  run: (context) => eachHost(context, (progress) => knockAtAll(progress, context)),
};

async function knockAtAll({ host, addresses }: HostProgress, context: CheckContext): Promise<Finding> {
  const knocked = await Promise.all(addresses.map((address) => knockAt(address, context)));
  const evidence = knocked.map(({ line }) => line).join("\n");
  const reasons = knocked.map(({ reason }) => reason);
  const isReachable = reasons.some((reason) => reason === undefined);
  // Where one address refuses and another keeps silent, the refusal says more.
  const reason = reasons.find((each) => each !== undefined && each.code !== "ETIMEDOUT") ?? reasons[0];
  if (isReachable || reason === undefined) return { status: "pass", evidence };
  const nearby = isLoopback(host.host) ? await findLocalServers(context) : [];
  return { status: "fail", evidence, ...remedyFor({ ...reason, step: "tcp", nearby }, context.subject, host) };
}

async function knockAt(address: HostPort, { subject, clock, deadlineAt, signal }: CheckContext): Promise<Knocked> {
  const label = addressLabel(address);
  const startedAt = clock.now();
  const limit = Math.min(deadlineAt, startedAt + subject.connectTimeoutMs);
  try {
    await knock({ ...subject.target, hosts: [address] }, { clock, deadlineAt: limit, signal });
    return { line: `${label} accepts, ${(clock.now() - startedAt).toFixed(1)} ms` };
  } catch (error) {
    const reason = reasonOf(error);
    // It was there to be reset; why, is a question of what listens.
    if (reason.code === "ECONNRESET") return { line: `${label} accepts and resets` };
    return { line: `${label}: ${describeReason(reason)}`, reason };
  }
}
