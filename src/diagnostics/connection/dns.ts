import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { HostPort } from "../../config/types.ts";
import { within } from "../../core/within.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext } from "../check.ts";
import { remedyFor } from "../remedies.ts";
import type { Address } from "../session.ts";

/** Every address that the hosts' names stand for. */
export const dnsCheck: Check = {
  id: "dns",
  title: "Host name",
  group: "connection",
  needs: [],
  async run(context) {
    const { subject, session } = context;
    const outcomes = await Promise.allSettled(subject.target.hosts.map((host) => addressesOf(host, context)));
    const lines: string[] = [];
    const addresses: Address[] = [];
    let firstError: unknown;
    for (const [index, outcome] of outcomes.entries()) {
      const name = subject.target.hosts[index]?.host ?? "";
      if (outcome.status === "fulfilled") {
        addresses.push(...outcome.value);
        lines.push(describe(name, outcome.value));
      } else {
        firstError ??= outcome.reason;
        lines.push(`${name}: ${describeReason(reasonOf(outcome.reason))}`);
      }
    }
    session.addresses = addresses;
    const evidence = [...new Set(lines)].join("\n");
    if (firstError === undefined) return { status: "pass", evidence };
    const reason = reasonOf(firstError);
    const remedy = remedyFor(reason.code === "ETIMEDOUT" ? { ...reason, code: "EAI_AGAIN" } : reason, subject);
    return { status: addresses.length === 0 ? "fail" : "warn", evidence, ...remedy };
  },
};

async function addressesOf({ host, port }: HostPort, { clock, deadlineAt, signal }: CheckContext): Promise<Address[]> {
  if (isIP(host) || host.startsWith("/")) return [{ host, port, name: host }];
  const found = await within<{ address: string }[]>({ clock, deadlineAt, signal }, (resolve, reject) => {
    lookup(host, { all: true, verbatim: true }).then(resolve, reject);
  });
  return found.map(({ address }) => ({ host: address, port, name: host }));
}

function describe(name: string, addresses: readonly Address[]): string {
  if (name.startsWith("/")) return `${name} is a folder of Unix sockets`;
  if (isIP(name)) return `${name} is an address`;
  return `${name} is ${addresses.map(({ host }) => host).join(", ")}`;
}
