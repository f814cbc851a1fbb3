import type { PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import type { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** What the pool needs of a connection; `Connection` is the one that talks to a server. */
export type PooledConnection = Pick<
  Connection,
  "isLost" | "isBusy" | "openedAt" | "idleSince" | "expiresAt" | "generation" | "onLost" | "close" | "destroy"
>;

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly active: number;
  readonly opening: number;
  readonly waiting: number;
  readonly max: number;
  readonly min: number;
  /** Grows by one with every outage; connections of an older one are gone. */
  readonly generation: number;
}

export interface PoolDeps<C extends PooledConnection> {
  readonly clock: Clock;
  readonly random: Random;
  readonly sweep: DeadlineSweep;
  readonly settings: PoolSettings;
  /** Opens one physical connection by the deadline. */
  readonly open: (deadlineAt: number) => Promise<C>;
  /** A connection was lost or could not be opened: somebody else decides what that means. */
  readonly onTrouble: (error: DebyError) => void;
  /** The error for somebody whose time to wait is over. */
  readonly expiredError: () => DebyError;
}
