import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { request, testApp } from "./fakes.ts";

describe("GET /api/check", () => {
  const report = { schema: "deby.check/1", checks: [] };

  test("gives the report as it is, and nobody keeps it", async () => {
    const answer = await testApp({ diagnose: async () => report }).handle(request("/api/check"));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual(report);
  });

  test("is for admins: nothing is examined for anybody else", async () => {
    let examinations = 0;
    const diagnose = async () => ({ examinations: ++examinations });
    const app = testApp({ diagnose, settings: { adminToken: new Secret("sesame") } });
    expect((await app.handle(request("/api/check"))).status).toBe(401);
    const hidden = testApp({ diagnose, settings: { host: "0.0.0.0" } });
    expect((await hidden.handle(request("/api/check"))).status).toBe(404);
    expect(examinations).toBe(0);
  });
});
