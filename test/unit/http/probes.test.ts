import { describe, expect, test } from "bun:test";
import type { CircuitState } from "../../../src/database/events.ts";
import { isReady } from "../../../src/http/routes/probes.ts";
import { fakeDatabase, request, testApp, testServer } from "./fakes.ts";

const reason = { code: "ECONNREFUSED", message: "Connection refused" };
const waiting = { since: 0, lostAt: 1000, attempt: 1, nextAttemptAt: 3000, reason };

describe("GET /livez", () => {
  test("is 200 whatever the database does", async () => {
    const db = fakeDatabase();
    db.circuit = { name: "down", ...waiting };
    expect((await testApp({ db }).handle(request("/livez"))).status).toBe(200);
  });
});

describe("GET /startupz", () => {
  test("is 503 before the listener is open and 200 from then on", async () => {
    const app = testApp();
    expect((await app.handle(request("/startupz"))).status).toBe(503);
    await using server = testServer(app);
    expect((await fetch(`${server.url}/startupz`)).status).toBe(200);
  });
});

describe("GET /readyz", () => {
  const READY: readonly [CircuitState, boolean][] = [
    [{ name: "up", since: 0 }, true],
    [{ name: "suspect", since: 0, reason }, true],
    [{ name: "read-only", since: 0, reason }, true],
    [{ name: "starting", ...waiting }, false],
    [{ name: "down", ...waiting }, false],
    [{ name: "blocked", ...waiting }, false],
    [{ name: "draining", since: 0, last: "up" }, false],
    [{ name: "closed", since: 0 }, false],
  ];
  for (const [state, isExpected] of READY) {
    test(`${state.name} is ${isExpected ? "ready" : "not ready"}`, () => {
      expect(isReady(state, 0)).toBe(isExpected);
    });
  }

  test("stays ready for the first 5 s without a database", () => {
    const state: CircuitState = { name: "reconnecting", ...waiting };
    expect(isReady(state, 1000 + 4999)).toBe(true);
    expect(isReady(state, 1000 + 5000)).toBe(false);
  });

  test("answers 503 and the state in words", async () => {
    const db = fakeDatabase();
    db.circuit = { name: "blocked", ...waiting };
    const answer = await testApp({ db }).handle(request("/readyz"));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: "error", state: "blocked" });
  });
});
