import { describe, expect, test } from "bun:test";
import { Elysia, t } from "elysia";
import { CanaryTable } from "../../../src/http/canary-table.ts";
import { fakeDatabase, request, testApp } from "./fakes.ts";

interface Operation {
  readonly tags: string[];
  readonly summary?: string;
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<string, DescribedAnswer> & { readonly default?: DescribedAnswer };
}
interface DescribedAnswer {
  readonly description: string;
  readonly content?: Record<string, object>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, { readonly get?: Operation; readonly put?: Operation; readonly post?: Operation }>;
  readonly components: { readonly schemas: { readonly Problem?: unknown; readonly Item?: unknown } };
}

const Item = t.Object({ name: t.String() });

function program() {
  return new Elysia()
    .onRequest(({ set }) => {
      set.status = 401;
      return "login first";
    })
    .model({ Item })
    .post("/items", ({ body }) => body, { body: "Item", response: { 201: Item }, detail: { summary: "Adds one" } })
    .guard({ query: t.Object({ page: t.Number() }) }, (app) =>
      app.get("/pages/:id", () => "text", { response: t.String() }),
    )
    .get("/export.csv", () => "a;b");
}

async function documentOf(deps: Parameters<typeof testApp>[0] = {}): Promise<Document> {
  const answer = await testApp(deps).handle(request("/swagger/json"));
  expect(answer.status).toBe(200);
  return (await answer.json()) as Document;
}

describe("GET /swagger/json", () => {
  test("describes deby's own routes with their answers and errors", async () => {
    const { openapi, info, paths, components } = await documentOf({ canary: new CanaryTable(fakeDatabase()) });
    expect(openapi).toBe("3.1.0");
    expect(info).toMatchObject({ title: "deby", version: "1.2.3" });
    expect(Object.keys(paths).sort()).toEqual([
      "/api/canary/{id}",
      "/api/check",
      "/api/health",
      "/api/outcomes/{key}",
      "/api/pool",
      "/api/tables",
      "/livez",
      "/metrics",
      "/readyz",
      "/startupz",
    ]);
    expect(Object.keys(paths["/api/health"]?.get?.responses ?? {})).toEqual(["200", "503", "default"]);
    const write = paths["/api/canary/{id}"]?.put;
    expect(Object.keys(write?.responses ?? {})).toEqual(["200", "201", "400", "409", "422", "500", "503", "default"]);
    expect(write?.parameters).toMatchObject([
      { name: "Idempotency-Key", in: "header" },
      { name: "id", in: "path" },
    ]);
    expect(components.schemas.Problem).toMatchObject({ type: "object" });
  });

  test("names the canary only where it is served", async () => {
    expect(Object.keys((await documentOf()).paths)).not.toContain("/api/canary/{id}");
  });

  test("describes the program's routes with their schemas, past the program's own hooks", async () => {
    const { paths, components } = await documentOf({ userApp: program() });
    const add = paths["/items"]?.post;
    expect(add).toMatchObject({ tags: ["app"], summary: "Adds one" });
    expect(Object.keys(add?.requestBody?.content ?? {})).toEqual(["application/json"]);
    expect(components.schemas.Item).toMatchObject({ properties: { name: { type: "string" } } });
    expect(add?.responses["201"]).toMatchObject({ description: "Created" });
    expect(Object.keys(add?.responses.default?.content ?? {})).toEqual(["application/problem+json"]);
    const page = paths["/pages/{id}"]?.get;
    expect(page?.parameters?.map(({ name }) => name).sort()).toEqual(["id", "page"]);
    expect(page?.parameters?.find(({ name }) => name === "page")).toMatchObject({ schema: { type: "number" } });
    expect(Object.keys(page?.responses["200"]?.content ?? {})).toEqual(["text/plain"]);
    expect(paths["/export.csv"]).toBeDefined();
  });

  test("says of every answer what it is", async () => {
    const { paths } = await documentOf({ userApp: program(), canary: new CanaryTable(fakeDatabase()) });
    for (const operations of Object.values(paths)) {
      for (const { responses } of Object.values(operations) as Operation[]) {
        for (const { description } of Object.values(responses)) expect(description).toBeString();
      }
    }
  });
});

describe("GET /swagger", () => {
  test("names no other host than its own, and forbids others", async () => {
    const answer = await testApp().handle(request("/swagger"));
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none'");
    expect(policy).not.toContain("http");
    const page = await answer.text();
    expect(page).toContain('src="/swagger/scalar.js"');
    expect([...page.matchAll(/(?:src|href)="https?:/g)]).toEqual([]);
    expect(page).not.toContain("cdn.jsdelivr");
  });

  test("serves its script compressed, and once only to a browser that has it", async () => {
    const app = testApp();
    const plain = await app.handle(request("/swagger/scalar.js"));
    expect(plain.headers.get("content-type")).toStartWith("text/javascript");
    const bytes = (await plain.bytes()).length;
    expect(bytes).toBeGreaterThan(1_000_000);
    const zipped = await app.handle(request("/swagger/scalar.js", { headers: { "accept-encoding": "br, gzip" } }));
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    expect((await zipped.bytes()).length).toBeLessThan(bytes / 2);
    const etag = plain.headers.get("etag") ?? "";
    const known = await app.handle(request("/swagger/scalar.js", { headers: { "if-none-match": etag } }));
    expect(known.status).toBe(304);
  });
});
