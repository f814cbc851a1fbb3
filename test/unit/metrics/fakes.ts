import { Emitter } from "../../../src/core/emitter.ts";
import type { CircuitState, DatabaseEvents } from "../../../src/database/events.ts";
import type { DatabaseStats } from "../../../src/database/pool-types.ts";
import { DatabaseTimings } from "../../../src/metrics/database-timings.ts";
import type { MeasuredDatabase } from "../../../src/metrics/metrics.ts";
import { startMetrics } from "../../../src/metrics/metrics.ts";
import { ManualClock } from "../../support/manual-clock.ts";

export const up: CircuitState = { name: "up", since: 0 };

/** A state without a database, for the reason with this code. */
export function away(name: "reconnecting" | "down" | "blocked", code = "ECONNREFUSED"): CircuitState {
  return { name, since: 0, lostAt: 0, attempt: 1, nextAttemptAt: 0, reason: { code, message: "" } };
}

/** Metrics of a database that a test moves. */
export function fakeMetrics() {
  const emitter = new Emitter<DatabaseEvents>();
  const clock = new ManualClock();
  const timings = new DatabaseTimings();
  let listeners = 0;
  const fake = {
    circuit: { name: "starting", since: 0, lostAt: 0, attempt: 0, nextAttemptAt: 0 } as CircuitState,
    stats: {
      total: 0,
      idle: 0,
      active: 0,
      opening: 0,
      waiting: 0,
      max: 20,
      min: 2,
      generation: 1,
      acquireTimeouts: 0,
      held: 0,
      shed: 0,
      retries: 0,
      retryBudget: 10,
    } as DatabaseStats,
  };
  const db: MeasuredDatabase = {
    state: () => fake.circuit,
    stats: () => fake.stats,
    on(event, listener) {
      listeners++;
      const stop = emitter.on(event, listener);
      return () => {
        listeners--;
        stop();
      };
    },
  };
  const metrics = startMetrics({ db, timings, clock, version: "1.2.3", startedAt: 0 });
  return {
    metrics,
    timings,
    clock,
    fake,
    emitter,
    listeners: () => listeners,
    /** Goes through these states, one after the other. */
    go(...states: CircuitState[]) {
      for (const to of states) {
        const from = fake.circuit;
        fake.circuit = to;
        emitter.emit("transition", { from, to });
      }
    },
  };
}
