import type { Secret } from "../config/secret.ts";
import type { SslMode } from "../config/types.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import type { Words } from "./journal.ts";
import type { ProbeQuestion } from "./raw-probe.ts";

/** Where the attacked database is found, from this machine. */
export interface DatabaseEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** Undefined: none. */
  readonly tls?: { readonly mode: SslMode; readonly rootCert: string | undefined };
}

/**
 * What a scenario may need: to stop and start the server, to kill it, to freeze it, to make a standby of it, to speak
 * SQL to it as its master, to disturb the traffic between it and the server under test, to slow that down (where sessions do not wait for
 * each other), to take its sessions as any client can.
 */
export type Power = "stop" | "kill" | "freeze" | "demote" | "sql" | "traffic" | "delay" | "sessions";

/** Power over a whole database server. */
export interface ServerControl {
  /** Ends the server in an orderly way; resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends the server by force, as a crash would; resolves when it has ended. Undefined where there is no way. */
  readonly kill: (() => Promise<void>) | undefined;
  /** Resolves when the server was started, which is before it takes connections. */
  start(): Promise<void>;
  isRunning(): Promise<boolean>;
  /** Undefined where processes cannot be frozen. */
  readonly freezer: Freezer | undefined;
  /** Undefined where a server's data may not be touched. */
  readonly demoter: Demoter | undefined;
}

/** Power to halt a server in its tracks: the kernel still takes connections for it, and nothing is answered. */
export interface Freezer {
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  isFrozen(): Promise<boolean>;
}

/** Power to make a standby of a server, which takes no writes whatever it is told, and a primary again. */
export interface Demoter {
  /** Resolves when the server was started again as a standby. */
  demote(): Promise<void>;
  promote(): Promise<void>;
  isStandby(): Promise<boolean>;
}

/** What a server tells of itself over its endpoint. */
export interface ReachedServer {
  /** As `POSTMASTER_START` gives it. */
  readonly startedAt: string;
  /** A process that it keeps as long as it runs, where that may be seen. */
  readonly processId: number | undefined;
  /** Its own, at which the session arrived; undefined on a Unix socket. */
  readonly address: string | undefined;
}

/** Runs statements, each in a transaction of its own, and returns what they gave: a line for each row, columns parted by `|`. */
export type RunSql = (...statements: readonly string[]) => Promise<string>;

/** A database that scenarios may do harm to. What it has no power for is undefined, and such scenarios are refused. */
export interface Target {
  readonly kind: string;
  /** For the report: what it is and where. */
  readonly description: string;
  readonly endpoint: DatabaseEndpoint;
  /** It was there before: it is healed whatever happens, and its table may hold rows of others. */
  readonly isForeign?: boolean;
  /** Others use it meanwhile, and may write to the same table. */
  readonly isShared?: boolean;
  /** What the raw probe asks for; default a session. */
  readonly asks?: ProbeQuestion;
  readonly server: ServerControl | undefined;
  /** Says something to the server as its master, in a session that needs neither its port nor a password. */
  readonly sql: RunSql | undefined;
  /** The command that does the same from anywhere on this machine. */
  sqlWords?(...statements: readonly string[]): Words;
  /** How such a session ends that has no password from anywhere; undefined where it needs none. Only for what is not ours. */
  wantsPassword?(): Promise<string | undefined>;
  /**
   * Why the server that was reached by the endpoint is not the one that would be harmed; undefined where it is. Only
   * for what is not ours.
   */
  strangerAt?(reached: ReachedServer): Promise<string | undefined>;
  /** Between the server under test and the database; undefined where nothing is. */
  readonly traffic: FaultProxy | undefined;
  /** What the server itself said last, for the message when it does not come up. */
  readLog(): Promise<string>;
}
