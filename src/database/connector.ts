import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import { Connection } from "./connection.ts";
import { knock } from "./dial.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { LeasedConnection } from "./pool-types.ts";

/** How connections are made. */
export interface Connector {
  /** A session that was proven by an answered query; rejects with the errors of `Connection.open`. */
  open(applicationName: string, deadlineAt: number, signal: AbortSignal): Promise<LeasedConnection & ProbeConnection>;
  /** A bare TCP connect; rejects when nobody listens. */
  knock(deadlineAt: number, signal: AbortSignal): Promise<void>;
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
    open: (applicationName, deadlineAt, signal) =>
      Connection.open(target, { clock, sweep, deadlineAt, signal, applicationName, prepare }),
    knock: (deadlineAt, signal) => knock(target, { clock, deadlineAt, signal }),
  };
}
