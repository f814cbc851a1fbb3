import { addressLabel, knock } from "../../database/dial.ts";
import type { Reason } from "../../database/events.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext } from "../check.ts";
import { remedyFor } from "../remedies.ts";
import type { Address } from "../session.ts";

interface Knocked {
  readonly address: Address;
  readonly line: string;
  readonly reason?: Reason;
}

/** Whether anything listens, address by address. A host counts as reachable when one of its addresses is. */
export const tcpCheck: Check = {
  id: "tcp",
  title: "TCP connection",
  group: "connection",
  needs: ["dns"],
  async run(context) {
    const knocked = await Promise.all(context.session.addresses.map((address) => knockAt(address, context)));
    const evidence = knocked.map(({ line }) => line).join("\n");
    const answering = knocked.filter(({ reason }) => reason === undefined).map(({ address }) => address);
    const [first] = answering;
    if (first !== undefined) context.session.reachable = { host: first.name, port: first.port };
    const isAnswering = (wanted: Address) => {
      return answering.some(({ name, port }) => name === wanted.name && port === wanted.port);
    };
    const unreachable = knocked.find(({ address }) => !isAnswering(address));
    if (unreachable?.reason === undefined) return { status: "pass", evidence };
    const remedy = remedyFor(unreachable.reason, context.subject, unreachable.address);
    return { status: first === undefined ? "fail" : "warn", evidence, ...remedy };
  },
};

async function knockAt(address: Address, { subject, clock, deadlineAt, signal }: CheckContext): Promise<Knocked> {
  const label = addressLabel(address);
  const startedAt = clock.now();
  const limit = Math.min(deadlineAt, startedAt + subject.connectTimeoutMs);
  try {
    await knock({ ...subject.target, hosts: [address] }, { clock, deadlineAt: limit, signal });
    return { address, line: `${label} accepts, ${(clock.now() - startedAt).toFixed(1)} ms` };
  } catch (error) {
    const reason = reasonOf(error);
    return { address, line: `${label}: ${describeReason(reason)}`, reason };
  }
}
