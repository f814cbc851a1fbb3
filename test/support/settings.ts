import type { DatabaseTarget, PoolSettings } from "../../src/config/types.ts";

/** The documented defaults, for tests that drive the connection system without a command line. */
export const defaultSettings: PoolSettings = {
  poolMax: 20,
  poolMin: 2,
  acquireTimeoutMs: 60_000,
  idleTimeoutMs: 10_000,
  maxLifetimeMs: 1_800_000,
  maxWaiters: 1000,
  connectTimeoutMs: 5000,
  heartbeatIntervalMs: 30_000,
  heartbeatTimeoutMs: 5000,
  retryAttempts: 5,
  retryDelaysMs: [2000, 4000, 6000, 8000, 10_000],
  retryIntervalMs: 10_000,
  watchRatio: 0.02,
  watchMinMs: 50,
  watchMaxMs: 2000,
  stallAfterMs: 2000,
  requestTimeoutMs: 30_000,
  leaseWarningMs: 30_000,
  keyRetentionMs: 86_400_000,
  leaseLimitMs: Number.POSITIVE_INFINITY,
  prepare: "auto",
  readFrom: "primary",
  readLagLimitMs: 10_000,
};

/** A target without TLS on loopback. */
export function targetAt(port: number, overrides: Partial<DatabaseTarget> = {}): DatabaseTarget {
  return {
    hosts: [{ host: "127.0.0.1", port }],
    database: "deby_ecommerce",
    user: "postgres",
    password: undefined,
    sslmode: "disable",
    sslRootCert: undefined,
    applicationName: "deby",
    targetSessionAttrs: "read-write",
    ...overrides,
  };
}
