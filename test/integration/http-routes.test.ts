import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { HealthBody } from "../../src/http/routes/health.ts";
import { type DebyProcess, runDeby, spawnDeby } from "../support/executable.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const SHOP = join(import.meta.dir, "../../scripts/examples/shop.ts");
const ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

async function startDeby(url: string, ...args: string[]): Promise<{ deby: DebyProcess; url: string }> {
  const deby = await spawnDeby(["serve", "--port", "0", ...args], { env: { DATABASE_URL: url } });
  const [, api = ""] = await deby.waitForLine(/API: (http:\/\/[\d.:]+)/);
  return { deby, url: api };
}

function post(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

describe("the shop of the examples, served by the executable", () => {
  let postgres: PostgresServer;
  let deby: DebyProcess;
  let api: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    ({ deby, url: api } = await startDeby(postgres.url, "--routes", SHOP, "--canary"));
  });
  afterAll(async () => {
    await deby[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  test("has no products at first, lists those that are added, and finds one", async () => {
    expect(await (await fetch(`${api}/products`)).json()).toEqual([]);
    const added = await fetch(`${api}/products`, post({ name: "Pen", priceCents: 150, stock: 3 }));
    expect(added.status).toBe(201);
    const pen = { id: 1, name: "Pen", priceCents: 150, stock: 3 };
    expect(await added.json()).toEqual(pen);
    expect(await (await fetch(`${api}/products`)).json()).toEqual([pen]);
    expect(await (await fetch(`${api}/products/1`)).json()).toEqual(pen);
    expect((await fetch(`${api}/products/2`)).status).toBe(404);
  });

  test("sells no more than there is, however many ask at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => fetch(`${api}/orders`, post({ productId: 1, quantity: 1 }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    expect(await (await fetch(`${api}/products/1`)).json()).toMatchObject({ stock: 0 });
    expect(await (await fetch(`${api}/orders/1`)).json()).toMatchObject({ productId: 1, quantity: 1, totalCents: 150 });
    expect((await fetch(`${api}/orders`, post({ productId: 99, quantity: 1 }))).status).toBe(404);
  });

  test("takes an order once for each Idempotency-Key, and gives the same answer to all who repeat it", async () => {
    await fetch(`${api}/products`, post({ name: "Ink", priceCents: 500, stock: 10 }));
    const order = (key: string, body: unknown = { productId: 2, quantity: 1 }) => {
      const { headers, ...init } = post(body);
      return fetch(`${api}/orders`, { ...init, headers: { ...headers, "idempotency-key": key } });
    };
    const answers = await Promise.all(Array.from({ length: 20 }, () => order('"order-1"')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    const replayed = answers.map(({ headers }) => headers.get("idempotent-replayed"));
    expect(replayed.filter((value) => value === null).length).toBe(1);
    expect(replayed.filter((value) => value === "true").length).toBe(19);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies).size).toBe(1);
    expect(await (await fetch(`${api}/products/2`)).json()).toMatchObject({ stock: 9 });

    // The members of the body in another order are the same body, another quantity is another.
    expect((await order("order-1", { quantity: 1, productId: 2 })).status).toBe(201);
    const reused = await order("order-1", { productId: 2, quantity: 2 });
    expect(reused.status).toBe(422);
    expect(await reused.json()).toMatchObject({ code: "KEY_REUSED", retryable: false });
    const elsewhere = await fetch(`${api}/orders?gift=1`, {
      ...post({ productId: 2, quantity: 1 }),
      headers: { "content-type": "application/json", "idempotency-key": "order-1" },
    });
    expect(elsewhere.status).toBe(422);
    expect((await order("")).status).toBe(400);
    // An answer that says no is an answer.
    expect((await order("order-2", { productId: 2, quantity: 99 })).status).toBe(409);
    const again = await order("order-2", { productId: 2, quantity: 99 });
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([409, "true"]);

    const outcome = async (key: string) => await (await fetch(`${api}/api/outcomes/${key}`)).json();
    expect(await outcome("order-1")).toEqual({ key: "order-1", outcome: "committed" });
    expect(await outcome("order-3")).toEqual({ key: "order-3", outcome: "not-committed" });
  });

  test("refuses what does not fit, with every reason", async () => {
    const answer = await fetch(`${api}/products`, post({ name: "", priceCents: -1 }));
    expect(answer.status).toBe(422);
    const { code, errors } = (await answer.json()) as { code: string; errors: { path: string }[] };
    expect(code).toBe("VALIDATION_FAILED");
    expect(errors.map(({ path }) => path).sort()).toEqual(["/body/name", "/body/priceCents", "/body/stock"]);
  });

  test("stands in the OpenAPI document", async () => {
    const { paths } = (await (await fetch(`${api}/swagger/json`)).json()) as { paths: object };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(["/products", "/products/{id}", "/orders", "/api/health", "/api/outcomes/{key}"]),
    );
    expect(paths).toMatchObject({
      "/orders": {
        post: {
          parameters: [{ in: "header", name: "Idempotency-Key", required: false }],
          responses: { 201: { headers: { "Idempotent-Replayed": {} } }, 409: {}, 422: {} },
        },
      },
    });
  });

  test("has a canary that is written once", async () => {
    const first = await fetch(`${api}/api/canary/${ID}`, { method: "PUT" });
    expect(first.status).toBe(201);
    const row = (await first.json()) as { id: string; createdAt: string };
    expect(row.id).toBe(ID);
    expect(Math.abs(Date.parse(row.createdAt) - Date.now())).toBeLessThan(60_000);
    const second = await fetch(`${api}/api/canary/${ID.toUpperCase()}`, { method: "PUT" });
    expect(second.status).toBe(200);
    expect(await second.json()).toEqual(row);
    expect(await (await fetch(`${api}/api/canary/${ID}`)).json()).toEqual(row);
    expect(await postgres.psql("select count(*)::int as rows from deby.canary")).toEqual([{ rows: 1 }]);
  });

  test("shows its tables to this machine, not to a proxy", async () => {
    const answer = await fetch(`${api}/api/tables`);
    const { tables } = (await answer.json()) as { tables: { schema: string; name: string; bytes: number }[] };
    expect(tables.map(({ schema, name }) => `${schema}.${name}`)).toEqual([
      "deby.canary",
      "deby.outcome",
      "public.shop_order",
      "public.shop_product",
    ]);
    for (const { bytes } of tables) expect(bytes).toBeGreaterThan(0);
    expect((await fetch(`${api}/api/tables`, { headers: { "x-forwarded-for": "10.0.0.1" } })).status).toBe(404);
  });

  test("loses its database and gets it back: health says so, requests are held, and answered", async () => {
    await postgres.stop();
    await waitUntil("health is 503", async () => (await fetch(`${api}/api/health`)).status === 503);
    const health = (await (await fetch(`${api}/api/health`)).json()) as HealthBody;
    expect(health).toMatchObject({ status: "error", database: "reconnecting", state: "reconnecting" });
    expect(health.reason?.code).toBeString();
    expect(health.attempt).toBeNumber();
    expect(health.nextAttemptInMs).toBeNumber();
    expect((await fetch(`${api}/livez`)).status).toBe(200);
    const held = fetch(`${api}/products/1`);
    await Bun.sleep(300);
    await postgres.start();
    expect((await held).status).toBe(200);
    await waitUntil("health is 200", async () => (await fetch(`${api}/api/health`)).status === 200);
    expect((await fetch(`${api}/readyz`)).status).toBe(200);
  });
});

describe("a program's routes", () => {
  let folder: TempFolder;
  beforeAll(() => {
    folder = makeTempFolder("routes");
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  async function write(text: string): Promise<string> {
    const file = join(folder.path, `routes-${Bun.hash(text)}.ts`);
    await Bun.write(file, text);
    return file;
  }

  test("get problem answers for what the database throws, within the deadline", async () => {
    await using postgres = await startPostgres();
    const routes = await write(`
      import { DebyError } from "deby";
      export default ({ app, db }: { app: any; db: any }) => app
        .get("/slow", () => db.read\`select pg_sleep(30)\`)
        .get("/slow-write", () => db.query\`select pg_sleep(30)\`)
        .get("/never", () => new Promise(() => {}))
        .get("/wrong", () => db.query\`select nothing from nowhere\`)
        .get("/own", () => { throw new DebyError("READ_ONLY", "Not now"); })
        .get("/bug", () => (undefined as any).secret);`);
    const { deby, url } = await startDeby(postgres.url, "--routes", routes, "--request-timeout", "1s");
    await using _ = deby;
    for (const [path, status, code] of [
      ["/slow", 504, "DEADLINE_EXCEEDED"],
      ["/slow-write", 500, "OUTCOME_UNKNOWN"],
      ["/never", 504, "DEADLINE_EXCEEDED"],
      ["/wrong", 500, "STATEMENT_FAILED"],
      ["/own", 503, "READ_ONLY"],
      ["/bug", 500, "INTERNAL_ERROR"],
    ] as const) {
      const startedAt = performance.now();
      const answer = await fetch(url + path);
      expect(performance.now() - startedAt).toBeLessThan(3000);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({ code, status });
      expect(text).not.toContain("secret");
      expect(text).not.toContain("nowhere");
    }
    await deby.waitForLine(/GET \/bug failed: TypeError: .*secret/);
    await deby.waitForLine(/GET \/wrong failed: .*nowhere/);
    // Where in the program's own file, which is what its author needs.
    await deby.waitForLine(new RegExp(`${routes}:9:`));
  });

  for (const [what, reason, text] of [
    ["does not parse", /:3: Unexpected/, "\n\nconst a = = 1;"],
    ["throws", /:2: no luck today/, '\nthrow new Error("no luck today");\nexport default 1;'],
    [
      "imports what is not there",
      /:1: Cannot find package 'no-such-package'/,
      'import a from "no-such-package";\nexport default a;',
    ],
    ["exports nothing", /no default export/, "export const a = 1;"],
    [
      "takes a path of deby's",
      /GET \/metrics is deby's own route/,
      'export default ({ app }) => app.get("/metrics", () => 1);',
    ],
  ] as const) {
    test(`stop the start with exit 2 when the file ${what}`, async () => {
      const routes = await write(text);
      const { exitCode, stderr } = await runDeby(["serve", "--port", "0", "--routes", routes], { deadlineMs: 10_000 });
      expect(exitCode).toBe(2);
      expect(stderr).toContain(routes);
      expect(stderr).toMatch(reason);
    });
  }

  test("may use packages of their own folder", async () => {
    await using postgres = await startPostgres();
    await Bun.write(
      join(folder.path, "node_modules/greeter/package.json"),
      '{"name":"greeter","version":"1.0.0","type":"module","exports":"./index.js"}',
    );
    await Bun.write(
      join(folder.path, "node_modules/greeter/index.js"),
      'import { Elysia } from "elysia"; export const greeter = new Elysia().get("/greet", () => "hello from a package");',
    );
    const routes = await write('import { greeter } from "greeter"; export default ({ app }) => app.use(greeter);');
    const { deby, url } = await startDeby(postgres.url, "--routes", routes);
    await using _ = deby;
    expect(await (await fetch(`${url}/greet`)).text()).toBe("hello from a package");
  });
});

describe("a port that is taken", () => {
  test("ends the start with exit 3 and says how to find its holder", async () => {
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("taken") });
    const { exitCode, stderr } = await runDeby(["serve", "--port", String(taken.port)], { deadlineMs: 10_000 });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`Cannot listen on 127.0.0.1:${taken.port}: another program holds port ${taken.port}`);
  });
});
