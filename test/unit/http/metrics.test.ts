import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { fakeMetrics } from "../metrics/fakes.ts";
import { fakeDatabase, request, type TestAppDeps, testApp } from "./fakes.ts";

const adminToken = new Secret("correct horse");
const metricsToken = new Secret("metrics only");

function ask(path: string, settings: NonNullable<TestAppDeps["settings"]>, headers: Record<string, string> = {}) {
  return testApp({ settings }).handle(request(path, { headers }));
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("GET /metrics", () => {
  test("is Prometheus's text, not to be stored", async () => {
    const { metrics } = fakeMetrics();
    const answer = await testApp({ metrics }).handle(request("/metrics"));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.text()).toStartWith("# HELP db_client_connection_count ");
  });

  test("answers HEAD with the same headers and no body", async () => {
    const answer = await testApp().handle(request("/metrics", { method: "HEAD" }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await answer.text()).toBe("");
  });

  test("is made anew for each request, and asks the database nothing", async () => {
    let count = 0;
    const db = fakeDatabase();
    const { timings } = fakeMetrics();
    const app = testApp({ db, metrics: { timings, render: () => `scrapes ${++count}\n` } });
    for (const expected of ["scrapes 1\n", "scrapes 2\n"]) {
      expect(await (await app.handle(request("/metrics"))).text()).toBe(expected);
    }
    expect(db.asked).toEqual([]);
  });

  test("stands in the OpenAPI document, as text", async () => {
    const answer = await testApp().handle(request("/swagger/json"));
    const { paths } = (await answer.json()) as { paths: Record<string, { get: { responses: object } }> };
    expect(paths["/metrics"]?.get.responses).toMatchObject({ 200: { content: { "text/plain": expect.anything() } } });
  });
});

describe("the metrics token", () => {
  const settings = { metricsToken, adminToken, host: "0.0.0.0" };
  for (const [what, path, headers, status] of [
    ["opens /metrics", "/metrics", bearer("metrics only"), 200],
    ["does not open /api/pool", "/api/pool", bearer("metrics only"), 401],
    ["does not open /api/tables", "/api/tables", bearer("metrics only"), 401],
    ["is not needed besides the admin token", "/metrics", bearer("correct horse"), 200],
    ["has to be the right one", "/metrics", bearer("metrics"), 401],
    ["has to be there", "/metrics", {}, 401],
  ] as const) {
    test(`${what}: ${status}`, async () => {
      expect((await ask(path, settings, headers)).status).toBe(status);
    });
  }

  test("alone leaves the other admin routes to this machine", async () => {
    expect((await ask("/metrics", { metricsToken })).status).toBe(401);
    expect((await ask("/api/pool", { metricsToken })).status).toBe(200);
    expect((await ask("/api/pool", { metricsToken, host: "0.0.0.0" }, bearer("metrics only"))).status).toBe(404);
  });
});

describe("without a token", () => {
  for (const path of ["/metrics", "/api/pool"]) {
    test(`${path} is there for this machine only`, async () => {
      expect((await ask(path, {})).status).toBe(200);
      expect((await ask(path, { host: "0.0.0.0" })).status).toBe(404);
      expect((await ask(path, {}, { "x-forwarded-for": "10.0.0.1" })).status).toBe(404);
    });
  }
});
