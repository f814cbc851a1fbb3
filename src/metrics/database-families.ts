import type { CircuitState, OperationName, StateName } from "../database/events.ts";
import type { DatabaseStats } from "../database/pool-types.ts";
import type { ErrorCode } from "../errors.ts";
import { type DatabaseTimings, OPERATIONS } from "./database-timings.ts";
import { isUsable, type OutageCounts } from "./outage-counts.ts";
import type { OutcomeCounts } from "./outcome-counts.ts";
import type { HistogramSample, MetricFamily, NumberSample } from "./text-format.ts";

export interface DatabaseFigures {
  readonly state: CircuitState;
  readonly stats: DatabaseStats;
  readonly timings: DatabaseTimings;
  readonly outages: OutageCounts;
  readonly outcomes: OutcomeCounts;
}

const POOL = { db_client_connection_pool_name: "deby" };

const STATES: readonly StateName[] = [
  "starting",
  "up",
  "suspect",
  "reconnecting",
  "down",
  "read-only",
  "blocked",
  "draining",
  "closed",
];

/** What an operation of the database can end with. These are counted from 0; any other appears when it happens. */
const OPERATION_ERRORS: readonly ErrorCode[] = [
  "DATABASE_UNAVAILABLE",
  "DATABASE_MISCONFIGURED",
  "POOL_EXHAUSTED",
  "READ_ONLY",
  "STATEMENT_TIMEOUT",
  "DEADLINE_EXCEEDED",
  "SERIALIZATION_FAILURE",
  "OUTCOME_UNKNOWN",
  "CONSTRAINT_VIOLATED",
  "KEY_REUSED",
  "KEY_IN_PROGRESS",
  "STATEMENT_FAILED",
  "SHUTTING_DOWN",
  "ABORTED",
  "INTERNAL_ERROR",
];

/**
 * Everything that is told of the database and its pool; the pool's names are OpenTelemetry's.
 * Source: OpenTelemetry, "Semantic conventions for database client metrics" and "Prometheus and OpenMetrics
 * compatibility": dots become underscores, the unit `s` the suffix `_seconds`, units in braces are left out, sums that
 * may fall are gauges, those that only grow end in `_total`.
 */
export function databaseFamilies(figures: DatabaseFigures): MetricFamily[] {
  return [
    ...poolFamilies(figures),
    ...operationFamilies(figures),
    ...outageFamilies(figures),
    ...requestFamilies(figures),
    ...outcomeFamilies(figures),
  ];
}

function poolFamilies({ stats, timings }: DatabaseFigures): MetricFamily[] {
  const { create, wait, use } = timings;
  return [
    {
      name: "db_client_connection_count",
      type: "gauge",
      help: "Pooled connections by their state: idle, or used by a statement or transaction.",
      samples: [
        { labels: { ...POOL, db_client_connection_state: "idle" }, value: stats.idle },
        { labels: { ...POOL, db_client_connection_state: "used" }, value: stats.active },
      ],
    },
    poolGauge("db_client_connection_idle_min", "Connections that are kept open (pool-min).", stats.min),
    poolGauge("db_client_connection_max", "Most connections that are opened (pool-max).", stats.max),
    poolGauge(
      "db_client_connection_pending_requests",
      "Requests that wait for a connection at this moment.",
      stats.waiting,
    ),
    {
      name: "db_client_connection_timeouts_total",
      type: "counter",
      help: "Requests that waited for a connection in vain.",
      samples: [{ labels: POOL, value: stats.acquireTimeouts }],
    },
    poolHistogram("db_client_connection_create_time_seconds", "Dial, handshake and first answer.", create),
    poolHistogram(
      "db_client_connection_wait_time_seconds",
      "Time until a connection was had; 0 for an idle one.",
      wait,
    ),
    poolHistogram("db_client_connection_use_time_seconds", "Time from taking a connection to giving it back.", use),
  ];
}

function poolGauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: "gauge", help, samples: [{ labels: POOL, value }] };
}

function poolHistogram(name: string, help: string, histogram: HistogramSample["histogram"]): MetricFamily {
  return { name, type: "histogram", help, samples: [{ labels: POOL, histogram }] };
}

function operationFamilies({ timings }: DatabaseFigures): MetricFamily[] {
  return [
    {
      name: "db_client_operation_duration_seconds",
      type: "histogram",
      help: "Operations with all waiting and repetitions, by the code of their error, empty for none.",
      samples: OPERATIONS.flatMap((operation) => durationSamples(operation, timings)),
    },
    {
      name: "deby_operation_errors_total",
      type: "counter",
      // The histogram would cost 18 lines for each code that never happens; without a 0 before it the first is not seen.
      help: "Operations that failed, by the code of their error; those that a database can cause are there from 0.",
      samples: OPERATIONS.flatMap((operation) => errorSamples(operation, timings)),
    },
  ];
}

function durationSamples(operation: OperationName, timings: DatabaseTimings): HistogramSample[] {
  const { succeeded, failed } = timings.operation(operation);
  const labels = (code: string) => ({
    db_system_name: "postgresql",
    db_operation_name: operation,
    error_type: code,
  });
  return [
    { labels: labels(""), histogram: succeeded },
    ...Array.from(failed, ([code, histogram]) => ({ labels: labels(code), histogram })),
  ];
}

function errorSamples(operation: OperationName, timings: DatabaseTimings): NumberSample[] {
  const { failed } = timings.operation(operation);
  const codes = new Set([...OPERATION_ERRORS, ...failed.keys()]);
  return Array.from(codes, (code) => ({ labels: { operation, code }, value: failed.get(code)?.count ?? 0 }));
}

function outageFamilies({ state, outages }: DatabaseFigures): MetricFamily[] {
  return [
    {
      name: "deby_db_up",
      type: "gauge",
      help: "1 where the database is usable (state up, suspect or read-only), else 0.",
      samples: [{ value: isUsable(state.name) ? 1 : 0 }],
    },
    {
      name: "deby_db_state",
      type: "gauge",
      help: "1 for the state of the connection to the database, 0 for all others.",
      samples: STATES.map((name) => ({ labels: { state: name }, value: name === state.name ? 1 : 0 })),
    },
    {
      name: "deby_db_outages_total",
      type: "counter",
      help: "Losses of a database that was usable, by what was seen first; one that is away at the start is none.",
      samples: Array.from(outages.byKind, ([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: "deby_db_outage_duration_seconds",
      type: "histogram",
      help: "Outages that are over, from the loss to the first proof that the database is usable again.",
      samples: [{ histogram: outages.durations }],
    },
    counter(
      "deby_db_reconnect_attempts_total",
      "Counted attempts to connect, those of the start included; the watcher's looks between them are not.",
      outages.attempts,
    ),
  ];
}

function requestFamilies({ stats }: DatabaseFigures): MetricFamily[] {
  return [
    gauge("deby_requests_held", "Requests that wait at this moment for a database that is not usable.", stats.held),
    counter(
      "deby_requests_shed_total",
      "Requests sent away without a connection: too many waited, or the database is given up for the time.",
      stats.shed,
    ),
    counter("deby_retries_total", "Statements and transactions that were run again.", stats.retries),
    gauge("deby_retry_budget", "Repetitions of reads that are allowed at this moment.", stats.retryBudget),
  ];
}

function outcomeFamilies({ outcomes }: DatabaseFigures): MetricFamily[] {
  return [
    {
      name: "deby_outcomes_resolved_total",
      type: "counter",
      help: "Keyed transactions whose COMMIT was not answered, by what was found out about them.",
      samples: Array.from(outcomes.byOutcome, ([outcome, value]) => ({ labels: { outcome }, value })),
    },
    {
      name: "deby_outcome_resolution_seconds",
      type: "histogram",
      help: "Time from the loss of such a transaction's connection until its fate was known, or given up.",
      samples: [{ histogram: outcomes.durations }],
    },
  ];
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: "gauge", help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name, type: "counter", help, samples: [{ value }] };
}
