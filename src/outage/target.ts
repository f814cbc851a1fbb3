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
  /** Resolves when the server was started, which is before it takes connections. */
  start(): Promise<void>;
  isRunning(): Promise<boolean>;
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
