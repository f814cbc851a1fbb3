import type { DatabaseTarget, HostPort, PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import { AddressSearch } from "./address-search.ts";
import { addressesOf as askNameServer, type DialOptions } from "./dial.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { LeasedConnection } from "./pool-types.ts";

/** The deadline is the moment by which dial, handshake and first answer must be done. */
export interface OpenOptions {
  readonly host: HostPort;
  readonly applicationName: string;
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  /** The address that is dialled first, also where the host's name has it no more. */
  readonly prefer?: string | undefined;
  /** Called when the host has accepted the dial. */
  readonly onReached?: (() => void) | undefined;
}

/** How connections are made. */
export interface Connector {
  /** A session that was proven by an answered query; rejects with the errors of `Connection.open`. */
  open(options: OpenOptions): Promise<LeasedConnection & ProbeConnection>;
  /** The addresses that a host's name has at the moment; rejects where nobody tells. Undefined where names mean nothing. */
  addresses?: DialOptions["addressesOf"];
}

export interface ConnectorDeps {
  readonly clock: Clock;
  readonly sweep: DeadlineSweep;
  /** Default: the name server is asked. */
  readonly addressesOf?: DialOptions["addressesOf"];
}

/** Connects over the network, or through a Unix socket. */
export function networkConnector(
  target: DatabaseTarget,
  settings: Pick<PoolSettings, "prepare">,
  { clock, sweep, addressesOf = askNameServer }: ConnectorDeps,
): Connector {
  const { prepare } = settings;
  const search = new AddressSearch();
  return {
    open: ({ host, ...options }) =>
      search.open({ ...target, hosts: [host] }, { ...options, clock, sweep, prepare, addressesOf }),
    addresses: addressesOf,
  };
}
