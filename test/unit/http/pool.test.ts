import { describe, expect, test } from "bun:test";
import type { PoolBody } from "../../../src/http/routes/pool.ts";
import { DatabaseTimings } from "../../../src/metrics/database-timings.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { fakeDatabase, request, testApp } from "./fakes.ts";

describe("GET /api/pool", () => {
  test("tells state, server, figures and times, from memory", async () => {
    const clock = new ManualClock();
    const db = fakeDatabase();
    const timings = new DatabaseTimings();
    db.circuit = { name: "up", since: 60_000 };
    db.server = () => ({
      version: "15.18",
      address: "127.0.0.1:5432",
      isStandby: false,
      isReadOnly: false,
      connectMs: 12,
    });
    for (let i = 0; i < 100; i++) timings.leaseAcquired(0.2);
    timings.leaseReleased(60_000);
    await clock.advance(90_000);
    const answer = await testApp({ db, clock, metrics: { render: () => "", timings } }).handle(request("/api/pool"));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect((await answer.json()) as PoolBody).toEqual({
      state: "up",
      since: "2026-01-01T00:01:00.000Z",
      server: { address: "127.0.0.1:5432", version: "15.18" },
      pool: db.stats(),
      timesMs: {
        create: { p50: null, p95: null, p99: null },
        wait: { p50: 0.25, p95: 0.48, p99: 0.5 },
        use: { p50: 30_000, p95: 30_000, p99: 30_000 },
      },
    });
    expect(db.asked).toEqual([]);
  });

  test("answers while the database is away, and before it was ever there", async () => {
    const db = fakeDatabase();
    const reason = { code: "ECONNREFUSED", message: "Connection refused" };
    db.circuit = { name: "down", since: 0, lostAt: 0, attempt: 5, nextAttemptAt: 0, reason };
    const answer = await testApp({ db, clock: new ManualClock() }).handle(request("/api/pool"));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ state: "down", server: null });
  });

  test("answers HEAD, and stands in the OpenAPI document", async () => {
    const app = testApp();
    const head = await app.handle(request("/api/pool", { method: "HEAD" }));
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const { paths } = (await (await app.handle(request("/swagger/json"))).json()) as { paths: Record<string, object> };
    expect(paths["/api/pool"]).toMatchObject({ get: { tags: ["admin"] } });
  });
});
