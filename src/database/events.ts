import type { ErrorCode } from "../errors.ts";

/** Why the database is not usable, in words and in a code: SQLSTATE, socket code, or one of our own. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** A database that is not usable: when it was lost, and the counted attempts to get it back. */
interface Waiting {
  readonly since: number;
  readonly lostAt: number;
  /** Number of the last attempt; 0 before the first. */
  readonly attempt: number;
  readonly nextAttemptAt: number;
}

/** The circuit's state. All times are milliseconds of the injected clock. */
export type CircuitState =
  | ({ readonly name: "starting"; readonly reason?: Reason } & Waiting)
  | { readonly name: "up"; readonly since: number; readonly reason?: Reason }
  | {
      readonly name: "suspect";
      readonly since: number;
      readonly reason: Reason;
      /** Since when the server took no writes before it came under suspicion. */
      readonly readOnlySince?: number;
    }
  | ({ readonly name: "reconnecting" | "down" | "blocked"; readonly reason: Reason } & Waiting)
  | { readonly name: "read-only"; readonly since: number; readonly reason: Reason }
  | { readonly name: "draining"; readonly since: number; readonly last: StateName }
  | { readonly name: "closed"; readonly since: number };

export type StateName = CircuitState["name"];

/** What a server told about itself when a probe was answered. */
export interface ServerFacts {
  /** As in `server_version`, for example `15.18`. */
  readonly version: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  /** Dial, handshake and query, in milliseconds. */
  readonly connectMs: number;
  /** host:port or the socket's path. */
  readonly address: string;
}

/** What programs ask of the database. */
export type OperationName = "read" | "query" | "transaction" | "once";

/**
 * Hears of every single use of the database, for metrics. Called in the course of each statement: an implementation is
 * cheap, does not throw, and calls nothing back. All durations are milliseconds.
 */
export interface DatabaseObserver {
  /** A pooled connection came about: dial, handshake and first answer. */
  connectionCreated(durationMs: number): void;
  /** A connection was taken; 0 where one was idle. */
  leaseAcquired(waitMs: number): void;
  leaseReleased(useMs: number): void;
  /** Waiting and repetitions included; `code` is undefined where it went well. */
  operationEnded(operation: OperationName, durationMs: number, code: ErrorCode | undefined): void;
}

/** A connection that one holder keeps for too long. */
export interface LeaseWarning {
  readonly heldMs: number;
  /** The statement's text without its values, or the place in the program where the transaction was begun. */
  readonly where: string;
}

export interface StandbyReadsChange {
  readonly isUsed: boolean;
  /** Of the standby; undefined where there was none yet. */
  readonly address: string | undefined;
  /** Of the connection to the standby. */
  readonly state: CircuitState;
  /** Milliseconds that its data is old at most; Infinity where that is not known. */
  readonly lagMs: number;
  /** Its history is not the primary's: another cluster, another timeline, or WAL that the primary never wrote. */
  readonly isApart: boolean;
}

/** Of two servers that take writes, the one that is left aside, and the one that is used: addresses and timelines. */
export interface HostRefused {
  readonly address: string;
  /** 0 where it does not tell. */
  readonly timeline: number;
  readonly used: string;
  readonly usedTimeline: number;
}

/** Everything the connection system tells. A listener that throws harms nobody. */
export interface DatabaseEvents {
  transition: { readonly from: CircuitState; readonly to: CircuitState };
  /** A counted attempt begins. */
  attempt: { readonly attempt: number; readonly of: number };
  attemptFailed: { readonly attempt: number; readonly of: number; readonly reason: Reason; readonly retryInMs: number };
  /** A fresh probe was answered. */
  connected: ServerFacts;
  /** All connections lead to another server from now on. */
  moved: { readonly from: string; readonly to: string };
  /** Declared reads go to a standby from now on, or do not any more. */
  standbyReads: StandbyReadsChange;
  /** A second server takes writes, too; it is not used. */
  hostRefused: HostRefused;
  leaseWarning: LeaseWarning;
  heartbeatFailed: { readonly reason: Reason };
  /** The database is usable again. */
  recovered: Recovery;
  /** The fate of a keyed transaction whose COMMIT was not answered was found out, or could not be in time. */
  outcomeResolved: OutcomeResolved;
  /** Keys older than key-retention were deleted. */
  keysPruned: { readonly count: number };
}

export interface OutcomeResolved {
  readonly outcome: "committed" | "not-committed" | "unknown";
  /** Since the connection was lost. */
  readonly durationMs: number;
}

export interface Recovery {
  readonly outageMs: number;
  readonly attempts: number;
  /** Requests that waited for the database during the outage. */
  readonly held: number;
  /** Requests that were sent away during the outage. */
  readonly failed: number;
}
