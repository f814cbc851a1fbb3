import type { Secret } from "../config/secret.ts";

/** Where the attacked database is found, from this machine. */
export interface DatabaseEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
}

/** Power over a whole database server. */
export interface ServerControl {
  /** Ends the server in an orderly way; resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends the server by force, as a crash would; resolves when it has ended. */
  kill(): Promise<void>;
  /** Resolves when the server was started, which is before it takes connections. */
  start(): Promise<void>;
  isRunning(): Promise<boolean>;
  /** Undefined where processes cannot be frozen. */
  readonly freezer: Freezer | undefined;
}

/** Power to halt a server in its tracks: the kernel still takes connections for it, and nothing is answered. */
export interface Freezer {
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  isFrozen(): Promise<boolean>;
}

/** A database that scenarios may do harm to. What it has no power for is undefined, and such scenarios are refused. */
export interface Target {
  readonly kind: string;
  /** For the report: what it is and where. */
  readonly description: string;
  readonly endpoint: DatabaseEndpoint;
  readonly server: ServerControl | undefined;
  /** What the server itself said last, for the message when it does not come up. */
  readLog(): Promise<string>;
}
