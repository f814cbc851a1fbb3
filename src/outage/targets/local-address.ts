import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";

/** One of the host's addresses that is none of this machine's; undefined where all are. @throws the resolver's error */
export async function findRemoteAddress(host: string): Promise<string | undefined> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address).find((address) => !isLocalAddress(address));
}

/** Whether it is an address of this machine, loopback or not. */
export function isLocalAddress(address: string, own = ownAddresses()): boolean {
  const plain = plainAddress(address);
  // No interface names but the first address of its network.
  return /^127\.\d+\.\d+\.\d+$/.test(plain) || plain === "::1" || own.map(plainAddress).includes(plain);
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((interfaces) => (interfaces ?? []).map(({ address }) => address));
}

/** Without an IPv6 zone, and an IPv4 address as itself. */
function plainAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(/%.*$/, "")
    .replace(/^::ffff:(?=\d+\.)/, "");
}
