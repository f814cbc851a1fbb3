import type { Secret } from "./secret.ts";

/** As libpq understands it. */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export type TargetSessionAttrs = "any" | "read-write" | "read-only" | "primary" | "standby" | "prefer-standby";

export interface HostPort {
  /** A name, an address, or a folder that starts with `/`, which holds a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where the database is and how to be let in. */
export interface DatabaseTarget {
  /** At least one. */
  readonly hosts: readonly HostPort[];
  readonly database: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly sslmode: SslMode;
  /** PEM file of the authorities to trust, as in `sslrootcert`. */
  readonly sslRootCert: string | undefined;
  readonly applicationName: string;
  readonly targetSessionAttrs: TargetSessionAttrs;
}

/** What the connection system needs to know. All durations in milliseconds. */
export interface PoolSettings {
  readonly poolMax: number;
  readonly poolMin: number;
  readonly acquireTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly maxWaiters: number;
  readonly connectTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly retryAttempts: number;
  readonly retryDelaysMs: readonly number[];
  readonly retryIntervalMs: number;
  /** Part of the outage's age, 0.02 for 2 %. */
  readonly watchRatio: number;
  readonly watchMinMs: number;
  readonly watchMaxMs: number;
  readonly stallAfterMs: number;
  readonly requestTimeoutMs: number;
  /** How long one holder may keep a connection before it is logged, and before it is cut; Infinity for never. */
  readonly leaseWarningMs: number;
  readonly keyRetentionMs: number;
  readonly leaseLimitMs: number;
  readonly prepare: "auto" | "on" | "off";
  /** Where declared reads go. */
  readonly readFrom: "primary" | "prefer-standby";
  /** A standby whose data may be older is not read from. */
  readonly readLagLimitMs: number;
}

export interface ServeSettings {
  readonly host: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  readonly shutdownTimeoutMs: number;
  readonly routes: string | undefined;
  readonly canary: boolean;
  /** The database is the embedded one; whatever `database` names is not used then. */
  readonly embedded: boolean;
  readonly dataDir: string;
  readonly adminToken: Secret | undefined;
  /** Opens `GET /metrics` only. */
  readonly metricsToken: Secret | undefined;
  readonly logFormat: "pretty" | "json";
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** Everything that `deby serve` runs on; frozen once loaded. */
export interface Config {
  readonly database: DatabaseTarget;
  readonly pool: PoolSettings;
  readonly serve: ServeSettings;
}
