import { describe, expect, test } from "bun:test";
import type { CircuitState, StateName } from "../../../src/database/events.ts";
import { ERROR_KINDS, type ErrorCode } from "../../../src/errors.ts";
import { away, fakeMetrics, up } from "./fakes.ts";
import { metricNames, parseMetrics } from "./parse-metrics.ts";
import { hasPromtool, promtoolFindings } from "./promtool.ts";

const POOL = 'db_client_connection_pool_name="deby"';
const operation = (name: string, code = "") =>
  `db_client_operation_duration_seconds_count{db_system_name="postgresql",db_operation_name="${name}",error_type="${code}"}`;

describe("before anything happened", () => {
  test("every metric is there", () => {
    expect(metricNames(fakeMetrics().metrics.render())).toEqual([
      "db_client_connection_count",
      "db_client_connection_idle_min",
      "db_client_connection_max",
      "db_client_connection_pending_requests",
      "db_client_connection_timeouts_total",
      "db_client_connection_create_time_seconds",
      "db_client_connection_wait_time_seconds",
      "db_client_connection_use_time_seconds",
      "db_client_operation_duration_seconds",
      "deby_operation_errors_total",
      "deby_db_up",
      "deby_db_state",
      "deby_db_outages_total",
      "deby_db_outage_duration_seconds",
      "deby_db_reconnect_attempts_total",
      "deby_requests_held",
      "deby_requests_shed_total",
      "deby_retries_total",
      "deby_retry_budget",
      "deby_outcomes_resolved_total",
      "deby_outcome_resolution_seconds",
      "deby_build_info",
      "deby_event_loop_lag_seconds",
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
    ]);
  });

  test("what can happen is there with 0", () => {
    const series = parseMetrics(fakeMetrics().metrics.render());
    for (const name of ["read", "query", "transaction"]) {
      expect(series.get(operation(name))).toBe(0);
      expect(series.get(`deby_operation_errors_total{operation="${name}",code="OUTCOME_UNKNOWN"}`)).toBe(0);
    }
    expect(series.get('deby_db_outages_total{reason="silent"}')).toBe(0);
    expect(series.get("deby_db_outage_duration_seconds_count")).toBe(0);
    expect(series.get(`db_client_connection_timeouts_total{${POOL}}`)).toBe(0);
    expect(series.get(`db_client_connection_wait_time_seconds_count{${POOL}}`)).toBe(0);
    for (const name of ["deby_db_reconnect_attempts_total", "deby_requests_shed_total", "deby_retries_total"]) {
      expect(series.get(name)).toBe(0);
    }
  });
});

test("the pool and the requests are told as the database has them", () => {
  const { metrics, fake } = fakeMetrics();
  Object.assign(fake.stats, { total: 7, idle: 3, active: 4, waiting: 5, acquireTimeouts: 6 });
  Object.assign(fake.stats, { held: 8, shed: 9, retries: 10, retryBudget: 2.5 });
  const series = parseMetrics(metrics.render());
  expect(series.get(`db_client_connection_count{${POOL},db_client_connection_state="idle"}`)).toBe(3);
  expect(series.get(`db_client_connection_count{${POOL},db_client_connection_state="used"}`)).toBe(4);
  expect(series.get(`db_client_connection_idle_min{${POOL}}`)).toBe(2);
  expect(series.get(`db_client_connection_max{${POOL}}`)).toBe(20);
  expect(series.get(`db_client_connection_pending_requests{${POOL}}`)).toBe(5);
  expect(series.get(`db_client_connection_timeouts_total{${POOL}}`)).toBe(6);
  expect(series.get("deby_requests_held")).toBe(8);
  expect(series.get("deby_requests_shed_total")).toBe(9);
  expect(series.get("deby_retries_total")).toBe(10);
  expect(series.get("deby_retry_budget")).toBe(2.5);
});

test("times go where the observer is told to put them, in seconds", () => {
  const { metrics, timings } = fakeMetrics();
  timings.connectionCreated(12);
  timings.leaseAcquired(0);
  timings.leaseAcquired(2000);
  timings.leaseReleased(1.5);
  const series = parseMetrics(metrics.render());
  expect(series.get(`db_client_connection_create_time_seconds_sum{${POOL}}`)).toBe(0.012);
  expect(series.get(`db_client_connection_wait_time_seconds_bucket{${POOL},le="0.0005"}`)).toBe(1);
  expect(series.get(`db_client_connection_wait_time_seconds_bucket{${POOL},le="2.5"}`)).toBe(2);
  expect(series.get(`db_client_connection_wait_time_seconds_count{${POOL}}`)).toBe(2);
  expect(series.get(`db_client_connection_use_time_seconds_sum{${POOL}}`)).toBe(0.0015);
});

test("operations are told apart by kind and by the code of their error", () => {
  const { metrics, timings } = fakeMetrics();
  timings.operationEnded("read", 1, undefined);
  timings.operationEnded("read", 1, undefined);
  timings.operationEnded("query", 30_000, "OUTCOME_UNKNOWN");
  timings.operationEnded("transaction", 1, "NOT_FOUND");
  const series = parseMetrics(metrics.render());
  expect(series.get(operation("read"))).toBe(2);
  expect(series.get(operation("query"))).toBe(0);
  expect(series.get(operation("query", "OUTCOME_UNKNOWN"))).toBe(1);
  expect(series.get('deby_operation_errors_total{operation="query",code="OUTCOME_UNKNOWN"}')).toBe(1);
  expect(series.get('deby_operation_errors_total{operation="read",code="OUTCOME_UNKNOWN"}')).toBe(0);
  // What a program's own function throws within its transaction.
  expect(series.get('deby_operation_errors_total{operation="transaction",code="NOT_FOUND"}')).toBe(1);
  expect(series.get('deby_operation_errors_total{operation="read",code="NOT_FOUND"}')).toBeUndefined();
});

describe("the state", () => {
  const STATES: readonly [CircuitState, 0 | 1][] = [
    [{ name: "starting", since: 0, lostAt: 0, attempt: 0, nextAttemptAt: 0 }, 0],
    [up, 1],
    [{ name: "suspect", since: 0, reason: { code: "ECONNRESET", message: "" } }, 1],
    [away("reconnecting"), 0],
    [away("down"), 0],
    [{ name: "read-only", since: 0, reason: { code: "READ_ONLY", message: "" } }, 1],
    [away("blocked"), 0],
    [{ name: "draining", since: 0, last: "up" }, 0],
    [{ name: "closed", since: 0 }, 0],
  ];

  for (const [circuit, isUp] of STATES) {
    test(`${circuit.name} is the only one with 1, and deby_db_up is ${isUp}`, () => {
      const { metrics, fake } = fakeMetrics();
      fake.circuit = circuit;
      const series = parseMetrics(metrics.render());
      const told = STATES.map(([{ name }]): [StateName, number | undefined] => [
        name,
        series.get(`deby_db_state{state="${name}"}`),
      ]);
      expect(told).toEqual(STATES.map(([{ name }]) => [name, name === circuit.name ? 1 : 0]));
      expect(series.get("deby_db_up")).toBe(isUp);
    });
  }
});

describe("the process", () => {
  test("tells version, memory, processor time and when it began", async () => {
    const { metrics, clock } = fakeMetrics();
    await clock.advance(90_000);
    const series = parseMetrics(metrics.render());
    expect(series.get('deby_build_info{version="1.2.3"}')).toBe(1);
    expect(series.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(series.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(series.get("process_start_time_seconds")).toBe(Date.parse("2026-01-01T00:00:00.000Z") / 1000);
  });
});

test("stop() leaves neither a timer nor a listener", () => {
  const { metrics, clock, listeners } = fakeMetrics();
  expect([clock.pending, listeners()]).toEqual([1, 4]);
  metrics.stop();
  expect([clock.pending, listeners()]).toEqual([0, 0]);
});

test("whatever errors happen, the series stay few", () => {
  const { metrics, timings } = fakeMetrics();
  for (const code of Object.keys(ERROR_KINDS) as ErrorCode[]) {
    for (const name of ["read", "query", "transaction"] as const) timings.operationEnded(name, 1, code);
  }
  expect(parseMetrics(metrics.render()).size).toBeLessThan(2000);
});

describe.skipIf(!hasPromtool)("promtool check metrics (needs promtool)", () => {
  test("has nothing against the text before anything happened", () => {
    expect(promtoolFindings(fakeMetrics().metrics.render())).toEqual([]);
  });

  test("has nothing against it when everything has happened", () => {
    const { metrics, timings, go, emitter, fake } = fakeMetrics();
    timings.connectionCreated(1e9);
    timings.leaseAcquired(0.1 + 0.2);
    timings.leaseReleased(1e-7);
    for (const code of Object.keys(ERROR_KINDS) as ErrorCode[]) timings.operationEnded("transaction", 1, code);
    go(up, away("down", "no such code"), up);
    emitter.emit("recovered", { outageMs: 1e7, attempts: 900, held: 0, failed: 0 });
    Object.assign(fake.stats, { retryBudget: 0.30000000000000004, shed: 1e21 });
    expect(promtoolFindings(metrics.render())).toEqual([]);
  });
});
