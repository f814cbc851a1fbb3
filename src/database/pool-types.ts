import type { PoolSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import type { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** @internal What the pool needs of a connection; `Connection` is the one that talks to a server. */
export type PooledConnection = Pick<
  Connection,
  | "isLost"
  | "isBusy"
  | "openedAt"
  | "idleSince"
  | "lastAnswerAt"
  | "expiresAt"
  | "leasedAt"
  | "holder"
  | "facts"
  | "backend"
  | "remoteAddress"
  | "chunksReceived"
  | "unsentBytes"
  | "isInTransaction"
  | "isOutsideTransaction"
  | "onLost"
  | "control"
  | "close"
  | "destroy"
>;

/** @internal What a holder does with it besides. */
export type LeasedConnection = PooledConnection & Pick<Connection, "run" | "start" | "markLock">;

/** @internal What the pool does at the moment; `setMode` says what each means. */
export type PoolMode = "running" | "not-opening" | "proving" | "paused";

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

/** The pool's figures and those of the requests in front of it; totals count since the start. */
export interface DatabaseStats extends PoolStats {
  /** How often somebody waited for a connection in vain. */
  readonly acquireTimeouts: number;
  /** Requests that wait at this moment for a database that is not usable. */
  readonly held: number;
  /** Requests that were sent away without a connection: too many waited, or the database was given up for the time. */
  readonly shed: number;
  /** Statements and transactions that were run again. */
  readonly retries: number;
  /** Repetitions of reads that are allowed at this moment. */
  readonly retryBudget: number;
  /** Undefined unless reads may go to a standby. */
  readonly standby?: StandbyStats;
}

/** The figures of the connections to the standby that declared reads are given to. */
export interface StandbyStats extends DatabaseStats {
  /** Whether reads go to it at the moment. */
  readonly isUsed: boolean;
  /** Milliseconds that its data is old at most; undefined where that is not known. */
  readonly lagMs: number | undefined;
  /** Reads that failed on it and were read from the primary, since the start. */
  readonly fallbacks: number;
}

/** @internal */
export interface PoolDeps<C extends PooledConnection> {
  readonly clock: Clock;
  readonly random: Random;
  readonly sweep: DeadlineSweep;
  readonly settings: PoolSettings;
  /** Opens one physical connection by the deadline; the signal says that nobody wants it any more. */
  readonly open: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  /** A connection was lost or could not be opened: somebody else decides what that means. */
  readonly onTrouble: (error: DebyError) => void;
  readonly onOpened: (connection: C) => void;
  /** The error for somebody whose time to wait is over. */
  readonly expiredError: () => DebyError;
}
