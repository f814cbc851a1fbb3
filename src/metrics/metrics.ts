import type { Clock } from "../core/clock.ts";
import type { CircuitState, DatabaseEvents } from "../database/events.ts";
import type { DatabaseStats } from "../database/pool-types.ts";
import { databaseFamilies } from "./database-families.ts";
import type { DatabaseTimings } from "./database-timings.ts";
import { watchEventLoop } from "./event-loop.ts";
import { OutageCounts } from "./outage-counts.ts";
import { OutcomeCounts } from "./outcome-counts.ts";
import { processFamilies } from "./process-families.ts";
import { renderText } from "./text-format.ts";

/** What the metrics want to know of the database; all of it from memory. */
export interface MeasuredDatabase {
  state(): CircuitState;
  stats(): DatabaseStats;
  on<E extends "transition" | "attempt" | "recovered" | "outcomeResolved">(
    event: E,
    listener: (detail: DatabaseEvents[E]) => void,
  ): () => void;
}

export interface MetricsDeps {
  readonly db: MeasuredDatabase;
  /** The observer that `db` was opened with. */
  readonly timings: DatabaseTimings;
  readonly clock: Clock;
  /** deby's own. */
  readonly version: string;
  /** When the process began, on the clock's scale. */
  readonly startedAt: number;
}

export interface Metrics {
  readonly timings: DatabaseTimings;
  /** All metrics at this moment, in Prometheus's text format. Asks nobody, waits for nothing. */
  render(): string;
  stop(): void;
}

/** Counts from now on what the database tells. Whatever can happen is there with 0 before it does. */
export function startMetrics({ db, timings, clock, version, startedAt }: MetricsDeps): Metrics {
  const outages = new OutageCounts();
  const outcomes = new OutcomeCounts();
  const eventLoop = watchEventLoop(clock);
  const startDate = new Date(clock.date().getTime() - (clock.now() - startedAt));
  const stops = [
    db.on("transition", (detail) => outages.transition(detail)),
    db.on("attempt", () => outages.attempt()),
    db.on("recovered", (detail) => outages.recovered(detail)),
    db.on("outcomeResolved", (detail) => outcomes.resolved(detail)),
    () => eventLoop.stop(),
  ];
  return {
    timings,
    render: () =>
      renderText([
        ...databaseFamilies({ state: db.state(), stats: db.stats(), timings, outages, outcomes }),
        ...processFamilies({ version, startedAt: startDate, eventLoopLags: eventLoop.lags }),
      ]),
    stop() {
      for (const stop of stops) stop();
    },
  };
}
