import { describe, expect, test } from "bun:test";
import { isReserved, pathOf } from "../../../src/http/reserved-routes.ts";
import { RouteTable } from "../../../src/http/route-table.ts";

describe("RouteTable", () => {
  const table = new RouteTable([
    { method: "GET", path: "/" },
    { method: "GET", path: "/products/:id" },
    { method: "PATCH", path: "/products/:id" },
    { method: "DELETE", path: "/archive/:year?" },
    { method: "POST", path: "/files/*" },
    { method: "WS", path: "/live" },
  ]);

  for (const [path, methods] of [
    ["/", ["GET", "HEAD", "OPTIONS"]],
    ["/products/7", ["GET", "HEAD", "OPTIONS", "PATCH"]],
    ["/products/7/", ["GET", "HEAD", "OPTIONS", "PATCH"]],
    ["/products", []],
    ["/products/7/reviews", []],
    ["/archive", ["DELETE", "OPTIONS"]],
    ["/archive/2026", ["DELETE", "OPTIONS"]],
    ["/files/a/b/c", ["OPTIONS", "POST"]],
    ["/live", ["GET", "HEAD", "OPTIONS"]],
    ["/elsewhere", []],
  ] as const) {
    test(`${path} knows ${methods.join(" ") || "nothing"}`, () => {
      expect(table.methodsOf(path)).toEqual([...methods]);
    });
  }
});

describe("isReserved()", () => {
  test("holds deby's own paths, whatever the settings", () => {
    for (const path of ["/api/health", "/api/health/", "/metrics", "/swagger", "/swagger/json", "/api/canary/7"]) {
      expect(isReserved(path)).toBe(true);
    }
    for (const path of ["/", "/api", "/api/healthy", "/api/products", "/swaggers", "/api/canary"]) {
      expect(isReserved(path)).toBe(false);
    }
  });
});

describe("pathOf()", () => {
  test("finds the path whatever the host's length", () => {
    expect(pathOf("http://a/b?c=/d")).toBe("/b");
    expect(pathOf("http://[::1]:5000/b/c")).toBe("/b/c");
    expect(pathOf("http://shop.example")).toBe("/");
  });
});
