import { expect, test } from "bun:test";
import { DebyError } from "../../../src/errors.ts";
import { loadWith, refusalOf } from "./load-with.ts";

test("loadConfig() without anything gives the defaults, in milliseconds, bytes and parts of 1", () => {
  const { config, sources, warnings } = loadWith({});
  expect(config.pool).toEqual({
    poolMax: 20,
    poolMin: 2,
    acquireTimeoutMs: 60_000,
    idleTimeoutMs: 10_000,
    maxLifetimeMs: 1_800_000,
    maxWaiters: 1_000,
    connectTimeoutMs: 5_000,
    heartbeatIntervalMs: 30_000,
    heartbeatTimeoutMs: 5_000,
    retryAttempts: 5,
    retryDelaysMs: [2_000, 4_000, 6_000, 8_000, 10_000],
    retryIntervalMs: 10_000,
    watchRatio: 0.02,
    watchMinMs: 50,
    watchMaxMs: 2_000,
    stallAfterMs: 2_000,
    requestTimeoutMs: 30_000,
    leaseWarningMs: 30_000,
    keyRetentionMs: 86_400_000,
    leaseLimitMs: Number.POSITIVE_INFINITY,
    prepare: "auto",
    readFrom: "primary",
    readLagLimitMs: 10_000,
  });
  expect(config.serve).toEqual({
    host: "127.0.0.1",
    port: 5000,
    maxBodyBytes: 1_048_576,
    shutdownTimeoutMs: 25_000,
    routes: undefined,
    canary: false,
    embedded: false,
    dataDir: "./.deby/embedded",
    adminToken: undefined,
    metricsToken: undefined,
    logFormat: "pretty",
    logLevel: "info",
  });
  expect(sources.every(({ source }) => source === "default")).toBe(true);
  expect(warnings).toEqual([]);
});

test("loadConfig() prefers a flag to the environment to .env to the default, and tells the source", () => {
  const envFile = "DEBY_POOL_MAX=3\nDEBY_POOL_MIN=1\nDEBY_RETRY_ATTEMPTS=7\n";
  const env = { DEBY_POOL_MAX: "4", DEBY_POOL_MIN: "2" };
  const { config, sources } = loadWith({ flags: { "pool-max": "5" }, env, envFile });
  expect(config.pool).toMatchObject({ poolMax: 5, poolMin: 2, retryAttempts: 7, maxWaiters: 1000 });
  const sourceOf = (name: string) => sources.find((source) => source.name === name);
  expect(sourceOf("pool-max")).toEqual({ name: "pool-max", value: "5", source: "flag", from: "--pool-max" });
  expect(sourceOf("pool-min")).toMatchObject({ source: "environment", from: "DEBY_POOL_MIN" });
  expect(sourceOf("retry-attempts")).toMatchObject({ source: ".env", from: "DEBY_RETRY_ATTEMPTS" });
  expect(sourceOf("max-waiters")).toMatchObject({ source: "default", from: "" });
});

test("loadConfig() reads PORT after DEBY_PORT, and takes an empty variable for none", () => {
  expect(loadWith({ env: { PORT: "8080" } }).config.serve.port).toBe(8080);
  expect(loadWith({ env: { PORT: "8080", DEBY_PORT: "0" } }).config.serve.port).toBe(0);
  expect(loadWith({ env: { PORT: "", DEBY_POOL_MAX: "" } }).config.serve.port).toBe(5000);
});

test("loadConfig() takes off for a duration without end, where a setting may have none", () => {
  const { config, sources } = loadWith({ flags: { "lease-warning": "off" }, env: { DEBY_LEASE_LIMIT: "2m" } });
  expect(config.pool).toMatchObject({ leaseWarningMs: Number.POSITIVE_INFINITY, leaseLimitMs: 120_000 });
  expect(sources.find(({ name }) => name === "lease-warning")).toMatchObject({ value: "off", source: "flag" });
});

test.each([true, "true", "1", "yes", "ON"])("loadConfig() takes %p for true", (canary) => {
  expect(loadWith({ flags: { canary } }).config.serve.canary).toBe(true);
});

test.each([
  ["pool-max", "0", 'pool-max must be a whole number from 1 to 10000, received "0" (--pool-max)'],
  ["pool-max", "2.5", 'pool-max must be a whole number from 1 to 10000, received "2.5" (--pool-max)'],
  ["port", "65536", 'port must be a whole number from 0 to 65535, received "65536" (--port)'],
  [
    "stall-after",
    "2",
    'stall-after must be a duration from 10ms to 24h, written with its unit like 250ms, 10s, 5m or 1h, received "2" (--stall-after)',
  ],
  [
    "request-timeout",
    "off",
    'request-timeout must be a duration from 10ms to 24h, written with its unit like 250ms, 10s, 5m or 1h, received "off" (--request-timeout)',
  ],
  [
    "lease-warning",
    "never",
    'lease-warning must be a duration from 1ms to 24h, written with its unit like 250ms, 10s, 5m or 1h, or off, received "never" (--lease-warning)',
  ],
  [
    "lease-limit",
    "0ms",
    'lease-limit must be a duration from 1ms to 24h, written with its unit like 250ms, 10s, 5m or 1h, or off, received "0ms" (--lease-limit)',
  ],
  ["watch-ratio", "2", 'watch-ratio must be a percentage from 0% to 100%, such as 2%, received "2" (--watch-ratio)'],
  [
    "max-body",
    "1048576",
    'max-body must be a size from 1b to 1gb, written with its unit like 512kb or 1mb, received "1048576" (--max-body)',
  ],
  [
    "retry-delays",
    "2s,4",
    'retry-delays must be durations from 1ms to 24h separated by commas, such as 2s,4s,6s,8s,10s, received "2s,4" (--retry-delays)',
  ],
  ["prepare", "maybe", 'prepare must be auto, on or off, received "maybe" (--prepare)'],
  [
    "host",
    "localhost:5000",
    'host must be a host name or an address, without a port, received "localhost:5000" (--host)',
  ],
  ["canary", "maybe", 'canary must be true or false, received "maybe" (--canary)'],
])("loadConfig() refuses %s %s with name, rule and value", (name, value, message) => {
  expect(refusalOf({ flags: { [name]: value } })).toBe(message);
});

test("loadConfig() tells all problems at once, as CONFIG_INVALID with exit code 2", () => {
  const load = () => loadWith({ flags: { "pool-max": "x" }, env: { DEBY_PORT: "y", DEBY_NOPE: "z" } });
  expect(load).toThrow(DebyError);
  expect(load).toThrow(/^3 settings are not valid:\n/);
  expect(load).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", exitCode: 2 }));
});

test.each([
  [
    { "pool-min": "6", "pool-max": "5" },
    'pool-min must not be above pool-max, which is 5 (--pool-max), received "6" (--pool-min)',
  ],
  [{ "pool-min": "30" }, 'pool-min must not be above pool-max, which is 20 (default), received "30" (--pool-min)'],
  [{ "watch-min": "3s" }, 'watch-min must not be above watch-max, which is 2s (default), received "3s" (--watch-min)'],
  [
    { "heartbeat-timeout": "2s", "heartbeat-interval": "1s" },
    'heartbeat-timeout must not be above heartbeat-interval, which is 1s (--heartbeat-interval), received "2s" (--heartbeat-timeout)',
  ],
])("loadConfig() refuses the contradiction %p", (flags, message) => {
  expect(refusalOf({ flags })).toBe(message);
});

test("loadConfig() lets a default give way to the limit that was set", () => {
  const { config, sources } = loadWith({ flags: { "pool-max": "1", "heartbeat-interval": "1s", "watch-max": "20ms" } });
  expect(config.pool).toMatchObject({ poolMin: 1, heartbeatTimeoutMs: 1000, watchMinMs: 20 });
  expect(sources.find(({ name }) => name === "heartbeat-timeout")).toMatchObject({ value: "1s", source: "default" });
});

test("loadConfig() freezes what it returns", () => {
  const { config } = loadWith({});
  expect(Object.isFrozen(config) && Object.isFrozen(config.pool) && Object.isFrozen(config.pool.retryDelaysMs)).toBe(
    true,
  );
});

test("loadConfig() refuses reads from a standby where there can be none", () => {
  const several = "postgres://a,b/db";
  const from = (url: string, more: Record<string, string> = {}) => ({
    env: { DATABASE_URL: url, DEBY_READ_FROM: "prefer-standby", ...more },
  });
  expect(loadWith(from(several)).config.pool.readFrom).toBe("prefer-standby");
  expect(refusalOf(from("postgres://a/db"))).toContain("read-from=prefer-standby needs a database of several hosts");
  expect(refusalOf(from(several, { DEBY_TARGET_SESSION_ATTRS: "any" }))).toContain(
    'needs target-session-attrs read-write or primary, received "any"',
  );
});
