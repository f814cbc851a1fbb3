import { isIP } from "node:net";
import { codedError } from "../core/within.ts";

/** Nobody takes so long to refuse: the kernel has looked in vain for the host on its own network. Source: arp(7) */
const VAIN_AFTER_MS = 2_500;

/** No way to an address, by the kernel's codes; the last two are those of a machine without IPv6. */
const NO_WAY = new Map([
  ["ENETUNREACH", "ENETUNREACH"],
  ["EHOSTUNREACH", "EHOSTUNREACH"],
  ["EAFNOSUPPORT", "ENETUNREACH"],
  ["EADDRNOTAVAIL", "ENETUNREACH"],
]);

/** This machine's own rules forbid it. */
const FORBIDDEN = new Set(["EACCES", "EPERM"]);

/**
 * What a connect to an address has failed of, after `tookMs`. Bun 1.4.5 tells ECONNREFUSED of all that failed, where the
 * way there was missing as well: https://github.com/oven-sh/bun/pull/37093
 */
export async function realConnectError(error: unknown, address: string, tookMs: number): Promise<unknown> {
  if (isIP(address) === 0 || address.startsWith("127.") || address === "::1") return error;
  const told = String((error as { code?: unknown } | null)?.code);
  const isForbidden = FORBIDDEN.has(told);
  if (told !== "ECONNREFUSED" && !isForbidden) return error;
  const code = isForbidden || tookMs >= VAIN_AFTER_MS ? "EHOSTUNREACH" : await missingWay(address);
  return code === undefined ? error : codedError(code, `There is no way to ${address}`, error);
}

/** Asks the kernel for a way; connecting a datagram socket sends nothing. */
async function missingWay(address: string): Promise<string | undefined> {
  try {
    const socket = await Bun.udpSocket({ connect: { hostname: address, port: 9 } });
    socket.close();
    return undefined;
  } catch (error) {
    return NO_WAY.get(String((error as { code?: unknown }).code));
  }
}
