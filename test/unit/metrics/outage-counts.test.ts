import { describe, expect, test } from "bun:test";
import type { CircuitState } from "../../../src/database/events.ts";
import { away, fakeMetrics, up } from "./fakes.ts";
import { parseMetrics } from "./parse-metrics.ts";

const suspect: CircuitState = { name: "suspect", since: 0, reason: { code: "ECONNRESET", message: "" } };
const readOnly: CircuitState = { name: "read-only", since: 0, reason: { code: "READ_ONLY", message: "" } };
const recovery = { outageMs: 7000, attempts: 2, held: 1, failed: 0 };

/** The outages that are not 0, by reason. */
function outagesOf(text: string): Record<string, number> {
  const found = Array.from(parseMetrics(text), ([series, value]) => ({
    reason: /^deby_db_outages_total\{reason="(\w+)"\}$/.exec(series)?.[1],
    value,
  }));
  return Object.fromEntries(found.flatMap(({ reason, value }) => (reason && value > 0 ? [[reason, value]] : [])));
}

describe("deby_db_outages_total", () => {
  for (const from of [up, suspect, readOnly]) {
    for (const name of ["reconnecting", "down", "blocked"] as const) {
      test(`counts the way from ${from.name} to ${name} by what was seen first`, () => {
        const { metrics, go } = fakeMetrics();
        go(from, away(name, "57P01"));
        expect(outagesOf(metrics.render())).toEqual({ shutdown: 1 });
      });
    }
  }

  test("counts an outage once, whatever states it goes through", () => {
    const { metrics, go } = fakeMetrics();
    go(up, suspect, away("reconnecting"), away("down"), away("blocked", "28P01"), away("reconnecting", "57P03"), up);
    expect(outagesOf(metrics.render())).toEqual({ refused: 1 });
  });

  test("takes neither a suspicion that was wrong nor a server that turned read-only for one", () => {
    const { metrics, go } = fakeMetrics();
    go(up, suspect, up, readOnly, suspect, readOnly, up);
    expect(outagesOf(metrics.render())).toEqual({});
  });

  test("takes a database that is away at the start for none", () => {
    const { metrics, go } = fakeMetrics();
    go(away("down"), away("blocked", "28P01"), up);
    expect(outagesOf(metrics.render())).toEqual({});
  });

  test("does not count the end of the service", () => {
    const { metrics, go } = fakeMetrics();
    go(up, { name: "draining", since: 0, last: "up" }, { name: "closed", since: 0 });
    expect(outagesOf(metrics.render())).toEqual({});
  });
});

describe("deby_db_outage_duration_seconds", () => {
  test("observes an outage when it is over", () => {
    const { metrics, go, emitter } = fakeMetrics();
    go(up, away("reconnecting"));
    expect(parseMetrics(metrics.render()).get("deby_db_outage_duration_seconds_count")).toBe(0);
    go(up);
    emitter.emit("recovered", recovery);
    const series = parseMetrics(metrics.render());
    expect(series.get("deby_db_outage_duration_seconds_count")).toBe(1);
    expect(series.get("deby_db_outage_duration_seconds_sum")).toBe(7);
    expect(series.get('deby_db_outage_duration_seconds_bucket{le="5"}')).toBe(0);
    expect(series.get('deby_db_outage_duration_seconds_bucket{le="10"}')).toBe(1);
  });

  test("has nothing of the time before the database was first there", () => {
    const { metrics, go, emitter } = fakeMetrics();
    go(away("down"), up);
    emitter.emit("recovered", recovery);
    expect(parseMetrics(metrics.render()).get("deby_db_outage_duration_seconds_count")).toBe(0);
  });
});

test("deby_db_reconnect_attempts_total counts the attempts that the log counts", () => {
  const { metrics, emitter } = fakeMetrics();
  for (let attempt = 1; attempt <= 3; attempt++) emitter.emit("attempt", { attempt, of: 5 });
  expect(parseMetrics(metrics.render()).get("deby_db_reconnect_attempts_total")).toBe(3);
});
