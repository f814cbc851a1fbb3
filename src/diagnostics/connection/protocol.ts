import { greet } from "../../database/greeting.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { identifyPeer } from "../identify-peer.ts";
import { remedyFor } from "../remedies.ts";
import { eachHost } from "./each-host.ts";

/** Whether what listens answers like PostgreSQL. A port that stays mute has failed. */
export const protocolCheck: Check = {
  id: "protocol",
  title: "PostgreSQL protocol",
  group: "connection",
  about:
    "Whether what listens answers like PostgreSQL when it is asked for TLS; what else it is, where it is something else, be it that it only speaks when it is asked in HTTP. A port that stays mute has failed.",
  needs: ["tcp"],
  run: (context) => eachHost(context, (progress) => greetAt(progress, context)),
};

async function greetAt(progress: HostProgress, context: CheckContext): Promise<Finding> {
  const { subject, clock, deadlineAt } = context;
  const startedAt = clock.now();
  try {
    const limit = Math.min(deadlineAt, startedAt + subject.connectTimeoutMs);
    const greeting = await greet(subject.target, progress.host, { ...context, deadlineAt: limit });
    if (greeting.kind === "postgres") {
      progress.certificate = greeting.certificate;
      return { status: "pass", evidence: "answers like PostgreSQL" };
    }
    const peer = identifyPeer(greeting.heard);
    const trouble = { code: "PROTOCOL", message: peer, step: "protocol", detail: peer } as const;
    const evidence = `answers as ${peer} (PROTOCOL)`;
    return { status: "fail", evidence, ...remedyFor(trouble, subject, progress.host) };
  } catch (error) {
    const reason = reasonOf(error);
    const remedy = remedyFor({ ...reason, step: "protocol" }, subject, progress.host);
    return { status: "fail", evidence: describeReason(reason), ...remedy };
  }
}
