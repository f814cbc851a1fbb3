/** Why the database is not usable, in words and in a code: SQLSTATE, socket code, or one of our own. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** The circuit's state. All times are milliseconds of the injected clock. */
export type CircuitState =
  | {
      readonly name: "starting";
      readonly since: number;
      readonly attempt: number;
      readonly nextAttemptAt: number;
      readonly reason?: Reason;
    }
  | { readonly name: "up"; readonly since: number; readonly reason?: Reason }
  | { readonly name: "suspect"; readonly since: number; readonly reason: Reason }
  | {
      readonly name: "reconnecting" | "down";
      readonly since: number;
      readonly lostAt: number;
      readonly attempt: number;
      readonly nextAttemptAt: number;
      readonly reason: Reason;
    }
  | {
      readonly name: "blocked";
      readonly since: number;
      readonly lostAt: number;
      readonly attempt: number;
      readonly nextAttemptAt: number;
      readonly reason: Reason;
    }
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

/** Everything the connection system tells. Listeners must not throw; if one does, nobody else notices. */
export interface DatabaseEvents {
  transition: { readonly from: CircuitState; readonly to: CircuitState; readonly at: number };
  /** A counted attempt begins. */
  attempt: { readonly attempt: number; readonly of: number; readonly address: string };
  attemptFailed: { readonly attempt: number; readonly of: number; readonly reason: Reason; readonly retryInMs: number };
  connected: ServerFacts;
  heartbeatFailed: { readonly reason: Reason };
  /** Requests that waited for the database and the end they took. */
  held: { readonly waiting: number };
}
