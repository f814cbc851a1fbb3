import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import type { DatabaseTarget, HostPort } from "../config/types.ts";
import type { Timer } from "../core/clock.ts";
import { type WithinOptions, within } from "../core/within.ts";
import { realConnectError } from "./real-connect-error.ts";
import { discard, upgradeToTls, wantsTls } from "./tls.ts";

/** An open socket over which the PostgreSQL protocol may begin. */
export interface Dialled {
  readonly socket: Socket;
  /** Which of the target's hosts it leads to. */
  readonly hostPort: HostPort;
  /** host:port, or the Unix socket's path. */
  readonly address: string;
  readonly isEncrypted: boolean;
}

/** The deadline is the moment by which the socket must be ready, TLS included. */
export interface DialOptions extends WithinOptions {
  /** Called with the address that has accepted, which tells that a machine is there, if nothing of a server. */
  readonly onReached?: ((address: string) => void) | undefined;
  /** The addresses of a host in the order in which they are tried; default: the name server's. */
  readonly addressesOf?: ((host: HostPort, options: WithinOptions) => Promise<readonly string[]>) | undefined;
}

/** One place to try: an address and the name it came from. */
interface Candidate {
  readonly hostPort: HostPort;
  readonly host: string;
  readonly label: string;
  /** What is connected to: an IP address, or the Unix socket's path. */
  readonly address: string;
  readonly connect: () => Socket;
}

/** Between the starts of two side-by-side connection attempts. Source: RFC 8305, section 5. */
const STAGGER_MS = 250;

/**
 * Opens a socket to the first address that accepts, TLS by the target's sslmode.
 * All addresses of all hosts are tried in order, the next one 250 ms after the one before or as soon as that failed.
 *
 * Throws the socket's own error (`code` ECONNREFUSED, ETIMEDOUT, ENOTFOUND …), or one with `code` TLS_REFUSED,
 * TLS_FAILED or PROTOCOL.
 */
export async function dial(target: DatabaseTarget, options: DialOptions): Promise<Dialled> {
  const candidates = await findCandidates(target.hosts, options);
  const { socket, candidate } = await firstToAccept(candidates, options);
  options.onReached?.(candidate.address);
  const known = { hostPort: candidate.hostPort, address: candidate.label };
  if (!wantsTls(target.sslmode, candidate.host)) {
    return { socket, ...known, isEncrypted: false };
  }
  const upgraded = await upgradeToTls(socket, { ...options, target, host: candidate.host });
  if (upgraded !== "failed") return { ...upgraded, ...known };
  // sslmode=prefer: libpq falls back to a second, plain connection when TLS cannot be agreed on.
  const plain = await openSocket(candidate, options);
  return { socket: plain, ...known, isEncrypted: false };
}

/** A bare TCP connect that tells whether anything listens; the socket is closed at once. Throws like `dial`. */
export async function knock(target: DatabaseTarget, options: DialOptions): Promise<void> {
  const candidates = await findCandidates(target.hosts, options);
  const { socket } = await firstToAccept(candidates, options);
  // No reset: the server would log it, and there is nothing that it could go on with.
  socket.destroy();
}

/** Where a host is dialled: `/folder` means the Unix socket in it. */
export function addressLabel({ host, port }: HostPort): string {
  if (host.startsWith("/")) return `${host}/.s.PGSQL.${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function findCandidates(hosts: readonly HostPort[], options: DialOptions): Promise<Candidate[]> {
  const results = await Promise.allSettled(hosts.map((host) => candidatesOf(host, options)));
  const found = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (found.length > 0) return found;
  throw results.find((result) => result.status === "rejected")?.reason ?? new Error("There is no host to connect to");
}

/** The addresses of a host, asked anew each time: a failover by DNS is seen at the next attempt. */
export function addressesOf({ host }: HostPort, options: WithinOptions): Promise<string[]> {
  if (host.startsWith("/") || isIP(host)) return Promise.resolve([host]);
  // A look-up has no deadline of its own, and a deaf name server takes tens of seconds.
  return within<string[]>(options, (resolve, reject) => {
    const found = lookup(host, { all: true, verbatim: true });
    found.then((entries) => resolve(entries.map(({ address }) => address)), reject);
  });
}

async function candidatesOf(target: HostPort, options: DialOptions): Promise<Candidate[]> {
  const { host, port } = target;
  const label = addressLabel(target);
  if (host.startsWith("/")) {
    return [{ hostPort: target, host, label, address: label, connect: () => connect({ path: label }) }];
  }
  const addresses = await (options.addressesOf ?? addressesOf)(target, options);
  return addresses.map((address) => ({
    hostPort: target,
    host,
    label,
    address,
    connect: () => connect({ host: address, port }),
  }));
}

function firstToAccept(
  candidates: readonly Candidate[],
  options: DialOptions,
): Promise<{ socket: Socket; candidate: Candidate }> {
  const { clock } = options;
  const losers = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, losers.signal]) : losers.signal;
  return new Promise((resolve, reject) => {
    let next = 0;
    let open = 0;
    let firstError: unknown;
    let timer: Timer | undefined;
    // At once, and not by a timer: a loss is heard on all connections, and the others would be seen to first.
    start();

    function start(): void {
      timer?.cancel();
      const candidate = candidates[next];
      if (candidate === undefined) return;
      next += 1;
      open += 1;
      openSocket(candidate, { ...options, signal }).then(
        (socket) => {
          timer?.cancel();
          resolve({ socket, candidate });
          losers.abort();
        },
        (error) => {
          open -= 1;
          firstError ??= error;
          if (next < candidates.length) start();
          else if (open === 0) reject(firstError);
        },
      );
      if (next < candidates.length) timer = clock.after(STAGGER_MS, start);
    }
  });
}

async function openSocket(candidate: Candidate, options: DialOptions): Promise<Socket> {
  const startedAt = options.clock.now();
  const socket = candidate.connect();
  try {
    await within<void>(options, (resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
  } catch (error) {
    discard(socket);
    throw await realConnectError(error, candidate.address, options.clock.now() - startedAt);
  }
  socket.removeAllListeners("error");
  if (!candidate.host.startsWith("/")) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
  }
  return socket;
}
