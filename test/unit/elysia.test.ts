import { describe, expect, spyOn, test } from "bun:test";
import { Elysia, t } from "elysia";
import { currentDeadline } from "../../src/core/deadline.ts";
import { type DebyPlugin, deby, type GivenDatabaseOptions } from "../../src/elysia.ts";
import { DebyError } from "../../src/errors.ts";
import { waitUntil } from "../support/wait-until.ts";
import { fakeDatabase } from "./http/fakes.ts";

const unavailable = new DebyError("DATABASE_UNAVAILABLE", "It is away", { retryAfterMs: 4200 });

/** A database that fails with this error. */
function failingDatabase(error: Error = unavailable) {
  return fakeDatabase(() => {
    throw error;
  });
}

function recordingLog() {
  const lines: string[] = [];
  return { lines, info() {}, warn() {}, error: (line: string) => void lines.push(line) };
}

function get(app: { handle(request: Request): Promise<Response> }, path: string, init?: RequestInit) {
  return app.handle(new Request(`http://localhost${path}`, init));
}

describe("the plugin", () => {
  test("gives handlers the database, with its answer's type", async () => {
    const db = fakeDatabase(() => [{ n: 3 }]);
    const app = new Elysia().use(deby({ db })).get("/n", async (context) => {
      const [row] = await context.db.read<{ n: number }>`select 3 as n`;
      return row?.n.toFixed(1);
    });
    expect(await (await get(app, "/n")).text()).toBe("3.0");
    expect(db.asked).toEqual(["read: select 3 as n"]);
  });

  test("answers what the database throws as a problem", async () => {
    const app = new Elysia().use(deby({ db: failingDatabase() })).get("/n", async ({ db }) => await db.read`select 1`);
    const response = await get(app, "/n");
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.json()).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "not-executed" });
  });

  test("answers so too where Elysia does not see that a handler gives a promise", async () => {
    const app = new Elysia().use(deby({ db: failingDatabase() })).get("/n", ({ db }) => db.read`select 1`);
    expect((await get(app, "/n")).headers.get("content-type")).toBe("application/problem+json");
  });

  test("lets a listening app check the answer of such a handler, not its promise", async () => {
    const app = new Elysia()
      .use(deby({ db: fakeDatabase(() => [{ n: 3 }]) }))
      .get("/n", ({ db }) => db.read<{ n: number }>`select 3 as n`, {
        response: t.Array(t.Object({ n: t.Integer() })),
      })
      .listen(0);
    try {
      expect(await (await fetch(`${app.server?.url}n`)).json()).toEqual([{ n: 3 }]);
    } finally {
      await app.stop(true);
    }
  });

  test("tells its log, and not the client, why a statement was refused", async () => {
    const log = recordingLog();
    const refused = new DebyError("STATEMENT_FAILED", 'column "nonsense" does not exist', { reason: "42703" });
    const app = new Elysia()
      .use(deby({ db: failingDatabase(refused), log }))
      .get("/n", async ({ db }) => await db.read`select nonsense`);
    expect(await (await get(app, "/n")).text()).not.toContain("nonsense");
    expect(log.lines).toEqual(['GET /n failed: column "nonsense" does not exist']);
  });

  test("writes that to console.error where there is no log, so that it is not lost", async () => {
    const written = spyOn(console, "error").mockImplementation(() => {});
    const app = new Elysia()
      .use(deby({ db: failingDatabase(new DebyError("STATEMENT_FAILED", "no such column")) }))
      .get("/n", async ({ db }) => await db.read`select 1`);
    await get(app, "/n");
    expect(written.mock.calls).toEqual([["GET /n failed: no such column"]]);
    written.mockRestore();
  });

  test("leaves all other errors to the app", async () => {
    const app = new Elysia()
      .use(deby({ db: fakeDatabase() }))
      .onError(({ code }) => `the app's own: ${code}`)
      .get("/boom", () => {
        throw new Error("boom");
      });
    expect(await (await get(app, "/boom")).text()).toBe("the app's own: UNKNOWN");
    expect(await (await get(app, "/nowhere")).text()).toBe("the app's own: NOT_FOUND");
  });

  test("asks an onError that comes before it first", async () => {
    const app = new Elysia()
      .onError(({ error }) => (error instanceof DebyError ? `the app's own: ${error.code}` : undefined))
      .use(deby({ db: failingDatabase() }))
      .get("/n", async ({ db }) => await db.read`select 1`);
    expect(await (await get(app, "/n")).text()).toBe("the app's own: DATABASE_UNAVAILABLE");
  });

  test("sets the request's deadline, which ends with the answer", async () => {
    const left: (number | undefined)[] = [];
    const look = () => left.push((currentDeadline()?.at ?? Number.NaN) - performance.now());
    const later = Promise.withResolvers<void>();
    const app = new Elysia().use(deby({ db: fakeDatabase() })).get("/n", () => {
      look();
      setTimeout(() => later.resolve(void look()), 20);
      return "at once";
    });
    await get(app, "/n");
    await later.promise;
    expect(left[0]).toBeWithin(29_000, 30_001);
    expect(left[1]).toBeNaN();
  });

  test("adds health and probes, under a prefix of choice", async () => {
    const app = new Elysia().use(deby({ db: fakeDatabase(), prefix: "/internal" }));
    expect(await (await get(app, "/internal/api/health")).json()).toMatchObject({ status: "ok", dbType: "PostgreSQL" });
    for (const path of ["/livez", "/startupz", "/readyz"])
      expect((await get(app, `/internal${path}`)).status).toBe(200);
    expect((await get(app, "/livez")).status).toBe(404);
    // Its schemas are those of deby's own document.
    expect(app.routes.every(({ hooks }) => hooks.detail?.hide === true)).toBe(true);
  });

  test("tells what became of a key, and refuses what is none as a problem", async () => {
    const app = new Elysia().use(deby({ db: fakeDatabase() }));
    expect(await (await get(app, "/api/outcomes/k1")).json()).toEqual({ key: "k1", outcome: "not-committed" });
    expect(await (await get(app, `/api/outcomes/${"k".repeat(256)}`)).json()).toMatchObject({
      code: "VALIDATION_FAILED",
    });
  });

  test("gives handlers the helper for Idempotency-Key", async () => {
    const db = fakeDatabase(() => [{ id: 7 }]);
    const app = new Elysia().use(deby({ db })).post(
      "/orders",
      (context) =>
        context.idempotent(context, async (tx) => {
          const [order] = await tx.query<{ id: number }>`insert into orders default values returning id`;
          return context.status(201, { id: order?.id });
        }),
      { body: t.Object({ item: t.String() }) },
    );
    const headers = { "idempotency-key": "k1", "content-type": "application/json" };
    const response = await get(app, "/orders", { method: "POST", headers, body: '{"item":"pen"}' });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: 7 });
    expect(db.asked[0]).toBe("once: k1");
  });

  test("used again by a part of the app is there once", async () => {
    const db = fakeDatabase();
    const plugin = deby({ db });
    const part = new Elysia({ prefix: "/part" }).use(plugin).get("/n", ({ db: own }) => own.state().name);
    const app = new Elysia().use(plugin).use(part);
    expect(await (await get(app, "/part/n")).text()).toBe("up");
    const health = app.routes.filter(({ path }) => path === "/api/health");
    expect(health).toHaveLength(1);
  });

  test("does not close a database that was given to it", async () => {
    let closed = 0;
    const db = { ...fakeDatabase(), close: async () => void closed++ };
    const app = new Elysia().use(deby({ db })).listen(0);
    await app.stop();
    expect(closed).toBe(0);
  });

  test("closes its own when the app has stopped, and throws nothing because the server is away", async () => {
    const app = new Elysia().use(deby({ databaseUrl: "postgres://127.0.0.1:1/shop", env: {} })).listen(0);
    const { db } = app.decorator;
    const health = await fetch(`${app.server?.url}api/health`);
    expect([health.status, ((await health.json()) as { database: string }).database]).toEqual([503, "connecting"]);
    const waiting = fetch(`${app.server?.url}api/outcomes/k1`);
    await waitUntil("the request is held", () => db.stats().held === 1);
    db.drain();
    await app.stop();
    expect(await (await waiting).json()).toEqual({ key: "k1", outcome: "unknown" });
    await db.close();
    expect(db.state().name).toBe("closed");
  });

  test("refuses options that a given database makes meaningless", () => {
    const options = { db: fakeDatabase(), poolMax: 5 } as unknown as GivenDatabaseOptions;
    expect(() => deby(options)).toThrow("With db, which is there already, these have no effect: poolMax");
  });

  test("is typed without any", () => {
    type IsAny<T> = 0 extends 1 & T ? true : false;
    const app = new Elysia().use(deby({ db: fakeDatabase() }));
    type Context = typeof app.decorator;
    const facts: [IsAny<DebyPlugin>, IsAny<Context>, IsAny<Context["db"]>, IsAny<Context["idempotent"]>] = [
      false,
      false,
      false,
      false,
    ];
    expect(facts).not.toContain(true);
  });
});
