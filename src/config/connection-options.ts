// Written by scripts/options.ts from the schema of the settings.

import type { Duration } from "./duration.ts";
import type { Percent } from "./quantity.ts";
import type { SslMode } from "./types.ts";

/**
 * The database, and how deby deals with it: the command's settings under their names in camelCase. What is not given is
 * looked up in the environment, then the default counts; the database comes as a whole from the first that names any part.
 */
export interface ConnectionOptions {
  /**
   * The database as a whole: postgres://user:password@host:5432/name?sslmode=require.
   * Environment: `DATABASE_URL`.
   */
  readonly databaseUrl?: string | undefined;
  /**
   * Host name, address, or folder of a Unix socket; several are separated by commas.
   * Default: `localhost`. Environment: `PGHOST`, `POSTGRES_HOST`.
   */
  readonly dbHost?: string | undefined;
  /**
   * One port for all hosts, or one for each.
   * Default: `5432`. Environment: `PGPORT`, `POSTGRES_PORT`.
   */
  readonly dbPort?: number | string | undefined;
  /**
   * Database.
   * Default: `deby_ecommerce`. Environment: `PGDATABASE`, `POSTGRES_DB`.
   */
  readonly dbName?: string | undefined;
  /**
   * Role to log in as.
   * Default: `postgres`. Environment: `PGUSER`, `POSTGRES_USER`.
   */
  readonly dbUser?: string | undefined;
  /**
   * Its password; PGPASSFILE or ~/.pgpass is asked where none is named.
   * Environment: `PGPASSWORD`, `POSTGRES_PASSWORD`.
   */
  readonly dbPassword?: string | undefined;
  /**
   * File that holds it.
   * Environment: `PGPASSWORD_FILE`.
   */
  readonly dbPasswordFile?: string | undefined;
  /**
   * Disable, allow, prefer, require, verify-ca or verify-full.
   * Default: `prefer`. Environment: `PGSSLMODE`.
   */
  readonly dbSslmode?: SslMode | undefined;
  /**
   * Certificates of the authorities to trust.
   * Environment: `PGSSLROOTCERT`.
   */
  readonly dbSslrootcert?: string | undefined;
  /**
   * Name under which the server lists the connections.
   * Default: `deby`. Environment: `PGAPPNAME`.
   */
  readonly applicationName?: string | undefined;
  /**
   * Deadline of an HTTP request, all waiting included.
   * 10ms to 24h, not above keyRetention. Default: `30s`. Environment: `DEBY_REQUEST_TIMEOUT`.
   */
  readonly requestTimeout?: Duration | undefined;
  /**
   * Most pooled connections; probes use at most 2 more.
   * 1 to 10000. Default: `20`. Environment: `DEBY_POOL_MAX`.
   */
  readonly poolMax?: number | undefined;
  /**
   * Connections that are kept open, and replaced within 1s.
   * 0 to 10000, not above poolMax. Default: `2`. Environment: `DEBY_POOL_MIN`.
   */
  readonly poolMin?: number | undefined;
  /**
   * Longest wait for a connection; the request's deadline counts if it is earlier.
   * 1ms to 24h. Default: `60s`. Environment: `DEBY_ACQUIRE_TIMEOUT`.
   */
  readonly acquireTimeout?: Duration | undefined;
  /**
   * An idle connection above poolMin is closed after so long.
   * 10ms to 24h. Default: `10s`. Environment: `DEBY_IDLE_TIMEOUT`.
   */
  readonly idleTimeout?: Duration | undefined;
  /**
   * Age at which a connection is replaced, up to 10 % sooner or later, never in mid-query.
   * 100ms to 24h. Default: `30m`. Environment: `DEBY_MAX_LIFETIME`.
   */
  readonly maxLifetime?: Duration | undefined;
  /**
   * Most requests held or waiting; one more is refused at once.
   * 0 to 1000000. Default: `1000`. Environment: `DEBY_MAX_WAITERS`.
   */
  readonly maxWaiters?: number | undefined;
  /**
   * TCP, TLS and authentication together; PGCONNECT_TIMEOUT is read too, in seconds.
   * 10ms to 1h. Default: `5s`. Environment: `DEBY_CONNECT_TIMEOUT`.
   */
  readonly connectTimeout?: Duration | undefined;
  /**
   * A connection that one holder keeps so long is logged, with where it was taken; off for never.
   * 1ms to 24h. Default: `30s`. Environment: `DEBY_LEASE_WARNING`.
   */
  readonly leaseWarning?: Duration | "off" | undefined;
  /**
   * How long the keys of exactly-once writes are kept.
   * 1s to 8760h. Default: `24h`. Environment: `DEBY_KEY_RETENTION`.
   */
  readonly keyRetention?: Duration | undefined;
  /**
   * A connection that one holder keeps so long is taken away from it; off for never.
   * 1ms to 24h. Default: `off`. Environment: `DEBY_LEASE_LIMIT`.
   */
  readonly leaseLimit?: Duration | "off" | undefined;
  /**
   * Role a host must have to be used; PGTARGETSESSIONATTRS is read too.
   * Default: `read-write`. Environment: `DEBY_TARGET_SESSION_ATTRS`.
   */
  readonly targetSessionAttrs?:
    | "any"
    | "read-write"
    | "read-only"
    | "primary"
    | "standby"
    | "prefer-standby"
    | undefined;
  /**
   * Prefer-standby gives declared reads to a standby among the hosts, over as many connections again.
   * Default: `primary`. Environment: `DEBY_READ_FROM`.
   */
  readonly readFrom?: "primary" | "prefer-standby" | undefined;
  /**
   * A standby whose data may be older than this is not read from.
   * 100ms to 24h. Default: `10s`. Environment: `DEBY_READ_LAG_LIMIT`.
   */
  readonly readLagLimit?: Duration | undefined;
  /**
   * Named prepared statements; auto: not behind a pooler, which is found out.
   * Default: `auto`. Environment: `DEBY_PREPARE`.
   */
  readonly prepare?: "auto" | "on" | "off" | undefined;
  /**
   * How many processes of deby share the server, for the checks of its connections.
   * 1 to 100000. Default: `1`. Environment: `DEBY_INSTANCES`.
   */
  readonly instances?: number | undefined;
  /**
   * Pause between background probes, which have a connection of their own.
   * 10ms to 24h. Default: `30s`. Environment: `DEBY_HEARTBEAT_INTERVAL`.
   */
  readonly heartbeatInterval?: Duration | undefined;
  /**
   * A background probe without an answer for so long has failed.
   * 10ms to 24h, not above heartbeatInterval. Default: `5s`. Environment: `DEBY_HEARTBEAT_TIMEOUT`.
   */
  readonly heartbeatTimeout?: Duration | undefined;
  /**
   * A statement without a byte of answer for so long makes deby ask whether the server is alive.
   * 10ms to 24h. Default: `2s`. Environment: `DEBY_STALL_AFTER`.
   */
  readonly stallAfter?: Duration | undefined;
  /**
   * Attempts to reconnect in the first series.
   * 1 to 1000. Default: `5`. Environment: `DEBY_RETRY_ATTEMPTS`.
   */
  readonly retryAttempts?: number | undefined;
  /**
   * Pause after each attempt of the series; the last one repeats.
   * Each 1ms to 24h. Default: `2s,4s,6s,8s,10s`. Environment: `DEBY_RETRY_DELAYS`.
   */
  readonly retryDelays?: readonly Duration[] | undefined;
  /**
   * Pause between attempts after the series, for ever, until reconnected.
   * 10ms to 24h. Default: `10s`. Environment: `DEBY_RETRY_INTERVAL`.
   */
  readonly retryInterval?: Duration | undefined;
  /**
   * Between attempts a quiet probe looks again after this part of the outage's age.
   * 0% to 100%. Default: `2%`. Environment: `DEBY_WATCH_RATIO`.
   */
  readonly watchRatio?: Percent | undefined;
  /**
   * Shortest pause between quiet probes.
   * 1ms to 1h, not above watchMax. Default: `50ms`. Environment: `DEBY_WATCH_MIN`.
   */
  readonly watchMin?: Duration | undefined;
  /**
   * Longest pause between quiet probes.
   * 1ms to 1h. Default: `2s`. Environment: `DEBY_WATCH_MAX`.
   */
  readonly watchMax?: Duration | undefined;
}
