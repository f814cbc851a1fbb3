import type { DatabaseTarget, HostPort, PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import type { WithinOptions } from "../core/within.ts";
import { Connection } from "./connection.ts";
import { addressesOf, knock } from "./dial.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { LeasedConnection } from "./pool-types.ts";

/** The deadline is the moment by which dial, handshake and first answer must be done. */
export interface OpenOptions {
  readonly host: HostPort;
  readonly applicationName: string;
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  /** Called when the host has accepted the dial. */
  readonly onReached?: (() => void) | undefined;
}

/** How connections are made. */
export interface Connector {
  /** A session that was proven by an answered query; rejects with the errors of `Connection.open`. */
  open(options: OpenOptions): Promise<LeasedConnection & ProbeConnection>;
  /** A bare TCP connect to any host; rejects when nobody listens. */
  knock(deadlineAt: number, signal: AbortSignal): Promise<void>;
  /** The addresses that a host's name has at the moment; rejects where nobody tells. Undefined where names mean nothing. */
  addresses?: ((host: HostPort, options: WithinOptions) => Promise<string[]>) | undefined;
}

export interface ConnectorDeps {
  readonly clock: Clock;
  readonly sweep: DeadlineSweep;
}

/** Connects over the network, or through a Unix socket. */
export function networkConnector(
  target: DatabaseTarget,
  settings: Pick<PoolSettings, "prepare">,
  { clock, sweep }: ConnectorDeps,
): Connector {
  const { prepare } = settings;
  return {
    open: ({ host, ...options }) =>
      Connection.open({ ...target, hosts: [host] }, { ...options, clock, sweep, prepare }),
    knock: (deadlineAt, signal) => knock(target, { clock, deadlineAt, signal }),
    addresses: (host, options) => addressesOf(host, options),
  };
}
