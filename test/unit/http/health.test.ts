import { describe, expect, test } from "bun:test";
import type { CircuitState } from "../../../src/database/events.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { fakeDatabase, request, testApp } from "./fakes.ts";

const reason = { code: "ECONNREFUSED", message: "Connection refused" };
const waiting = { since: 0, lostAt: 0, attempt: 2, nextAttemptAt: 4000, reason };

const STATES: readonly [CircuitState, number, string, string][] = [
  [{ name: "up", since: 0 }, 200, "ok", "connected"],
  [{ name: "up", since: 0, reason }, 200, "warn", "connected"],
  [{ name: "suspect", since: 0, reason }, 200, "warn", "connected"],
  [{ name: "read-only", since: 0, reason }, 200, "warn", "read-only"],
  [{ name: "starting", ...waiting }, 503, "error", "connecting"],
  [{ name: "reconnecting", ...waiting }, 503, "error", "reconnecting"],
  [{ name: "down", ...waiting }, 503, "error", "disconnected"],
  [{ name: "blocked", ...waiting }, 503, "error", "disconnected"],
  [{ name: "draining", since: 0, last: "up" }, 503, "error", "connected"],
  [{ name: "draining", since: 0, last: "reconnecting" }, 503, "error", "reconnecting"],
  [{ name: "closed", since: 0 }, 503, "error", "disconnected"],
];

describe("GET /api/health", () => {
  for (const [circuit, status, word, database] of STATES) {
    const detail = "reason" in circuit ? " with a reason" : "last" in circuit ? ` after ${circuit.last}` : "";
    test(`${circuit.name}${detail} is ${status} ${word} ${database}`, async () => {
      const db = fakeDatabase();
      db.circuit = circuit;
      const answer = await testApp({ db, clock: new ManualClock() }).handle(request("/api/health"));
      expect(answer.status).toBe(status);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.json()).toMatchObject({ status: word, database, state: circuit.name });
      expect(db.asked).toEqual([]);
    });
  }

  test("begins with the four names of old, in their order", async () => {
    const clock = new ManualClock();
    const db = fakeDatabase();
    db.circuit = { name: "up", since: 60_000 };
    await clock.advance(90_500);
    const text = await (await testApp({ db, clock, startedAt: 500 }).handle(request("/api/health"))).text();
    expect(text).toBe(
      '{"status":"ok","database":"connected","dbType":"PostgreSQL","timestamp":"2026-01-01T00:01:30.500Z",' +
        '"state":"up","since":"2026-01-01T00:01:00.000Z","latencyMs":1.23,"uptimeSeconds":90,"version":"1.2.3"}',
    );
  });

  test("tells reason, attempt and the time to the next one while there is an outage", async () => {
    const clock = new ManualClock();
    const db = fakeDatabase();
    db.circuit = { name: "reconnecting", ...waiting };
    db.latency = undefined;
    await clock.advance(1500);
    const body = (await (await testApp({ db, clock }).handle(request("/api/health"))).json()) as object;
    expect(body).toMatchObject({ latencyMs: null, reason, attempt: 2, nextAttemptInMs: 2500 });
    expect(Object.keys(body).slice(-3)).toEqual(["reason", "attempt", "nextAttemptInMs"]);
  });

  test("answers HEAD with the same status and no body", async () => {
    const answer = await testApp().handle(request("/api/health", { method: "HEAD" }));
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("");
  });
});
