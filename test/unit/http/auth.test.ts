import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { createAdminGate, isLoopback } from "../../../src/http/auth.ts";
import { fakeDatabase, request, type TestAppDeps, testApp } from "./fakes.ts";

async function askTables(settings: TestAppDeps["settings"], headers: Record<string, string> = {}, method = "GET") {
  const rows = [{ schema: "public", name: "product", estimatedRows: 7, bytes: 8192 }];
  const app = testApp({ db: fakeDatabase(() => rows), settings: settings ?? {} });
  return await app.handle(request("/api/tables", { method, headers }));
}

const adminToken = new Secret("correct horse");

describe("an admin route with a token configured", () => {
  test("opens to the token, from anywhere", async () => {
    const settings = { adminToken, host: "0.0.0.0" };
    for (const scheme of ["Bearer", "bearer"]) {
      const answer = await askTables(settings, { authorization: `${scheme} correct horse`, host: "shop.example" });
      expect(answer.status).toBe(200);
    }
  });

  for (const [what, authorization] of [
    ["no token", undefined],
    ["a wrong token", "Bearer wrong horse"],
    ["a token that only begins right", "Bearer correct"],
    ["another scheme", "Basic correct horse"],
    ["an empty token", "Bearer "],
  ] as const) {
    test(`is 401 with ${what}`, async () => {
      const answer = await askTables({ adminToken }, authorization === undefined ? {} : { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await answer.json()).toMatchObject({ code: "UNAUTHORIZED" });
    });
  }
});

describe("an admin route without a token", () => {
  for (const host of ["127.0.0.1:5000", "localhost:5000", "localhost", "[::1]:5000", "LOCALHOST"]) {
    test(`opens on loopback to Host: ${host}`, async () => {
      expect((await askTables({}, { host })).status).toBe(200);
    });
  }

  for (const [what, settings, headers] of [
    ["a listener on all addresses", { host: "0.0.0.0" }, {}],
    ["a host that only resolves to loopback", {}, { host: "evil.example" }],
    ["a host that begins like loopback", {}, { host: "127.0.0.1.evil.example" }],
    ["a proxy that says so", {}, { forwarded: "for=10.0.0.1" }],
    ["a proxy that says so in the old way", {}, { "x-forwarded-for": "10.0.0.1" }],
    ["a proxy that names only the protocol", {}, { "x-forwarded-proto": "https" }],
  ] as const) {
    test(`is not there for ${what}`, async () => {
      const answer = await askTables(settings, headers);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: "NOT_FOUND", detail: "There is no GET /api/tables" });
    });
  }

  test("does not give itself away by 405 or OPTIONS either", async () => {
    for (const method of ["POST", "OPTIONS"]) {
      expect((await askTables({ host: "0.0.0.0" }, {}, method)).status).toBe(404);
      expect((await askTables({}, {}, method)).status).toBe(method === "POST" ? 405 : 204);
    }
  });
});

describe("the metrics token", () => {
  const ask = (settings: { adminToken?: Secret; metricsToken?: Secret }, scope: "admin" | "metrics", token?: string) =>
    createAdminGate({ host: "127.0.0.1", adminToken: undefined, metricsToken: undefined, ...settings }).access(
      request("/", token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      scope,
    );
  const metricsToken = new Secret("metrics only");

  test("opens the metrics and nothing else", () => {
    expect(ask({ adminToken, metricsToken }, "metrics", "metrics only")).toBe("granted");
    expect(ask({ adminToken, metricsToken }, "metrics", "correct horse")).toBe("granted");
    expect(ask({ adminToken, metricsToken }, "admin", "metrics only")).toBe("unauthorized");
  });

  test("is asked for even on loopback, and leaves the other routes as they are", () => {
    expect(ask({ metricsToken }, "metrics")).toBe("unauthorized");
    expect(ask({ metricsToken }, "admin")).toBe("granted");
  });
});

describe("isLoopback()", () => {
  test("knows the names and addresses that only this machine reaches", () => {
    for (const host of ["localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]"]) expect(isLoopback(host)).toBe(true);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "1127.0.0.1", ""]) {
      expect(isLoopback(host)).toBe(false);
    }
  });
});

describe("GET /api/tables", () => {
  test("lists what the database says, by a declared read", async () => {
    const rows = [{ schema: "public", name: "product", estimatedRows: null, bytes: 8192 }];
    const db = fakeDatabase(() => rows);
    const answer = await testApp({ db }).handle(request("/api/tables"));
    expect(await answer.json()).toEqual({ tables: rows });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(db.asked).toHaveLength(1);
    expect(db.asked[0]).toStartWith("read: select");
  });
});

test("a hidden route does not show itself by its methods, with a slash at its end or without", async () => {
  const app = testApp({ settings: { host: "0.0.0.0" } });
  for (const path of ["/api/tables", "/api/tables/"]) {
    for (const method of ["POST", "OPTIONS"]) {
      const answer = await app.handle(request(path, { method }));
      expect({ path, method, status: answer.status }).toEqual({ path, method, status: 404 });
      expect(answer.headers.has("allow")).toBe(false);
    }
  }
});
