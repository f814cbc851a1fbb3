import { isIP } from "node:net";
import { addressesOf } from "../../database/dial.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { remedyFor } from "../remedies.ts";
import { eachHost } from "./each-host.ts";

/** Every address that the hosts' names stand for. */
export const dnsCheck: Check = {
  id: "dns",
  title: "Host name",
  group: "connection",
  about: "Every address that the name of the host stands for. An address and a Unix socket need no name.",
  needs: ["config"],
  run: (context) => eachHost(context, (progress) => resolveName(progress, context)),
};

async function resolveName(progress: HostProgress, context: CheckContext): Promise<Finding> {
  const { host: name, port } = progress.host;
  try {
    const addresses = await addressesOf(progress.host, context);
    progress.addresses = addresses.map((host) => ({ host, port }));
    return { status: "pass", evidence: describe(name, addresses) };
  } catch (error) {
    const reason = reasonOf(error);
    const trouble = reason.code === "ETIMEDOUT" ? { ...reason, code: "EAI_AGAIN" } : reason;
    const remedy = remedyFor(trouble, context.subject, progress.host);
    return { status: "fail", evidence: `${name}: ${describeReason(reason)}`, ...remedy };
  }
}

function describe(name: string, addresses: readonly string[]): string {
  if (name.startsWith("/")) return `${name} is a folder of Unix sockets`;
  return isIP(name) ? `${name} is an address` : `${name} is ${addresses.join(", ")}`;
}
