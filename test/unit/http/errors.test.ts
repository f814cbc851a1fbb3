import { describe, expect, test } from "bun:test";
import { type AnyElysia, Elysia, NotFoundError, t } from "elysia";
import { DebyError } from "../../../src/errors.ts";
import type { Problem } from "../../../src/http/problem.ts";
import { type Answer, fakeDatabase, fakeLog, request, testApp } from "./fakes.ts";

const NewProduct = t.Object({
  name: t.String({ minLength: 1 }),
  price: t.Number(),
  tags: t.Optional(t.Array(t.String())),
});

function shop(): AnyElysia {
  return new Elysia()
    .get("/products/:id", ({ params: { id } }) => ({ id }), { params: t.Object({ id: t.Integer() }) })
    .post("/products", ({ body }) => body, { body: NewProduct })
    .put("/products/:id", () => "put")
    .get("/lost", async () => {
      throw new DebyError("DATABASE_UNAVAILABLE", "No connection", { retryAfterMs: 3100 });
    })
    .get("/refused", () => {
      throw new DebyError("STATEMENT_FAILED", 'column "secret" does not exist', { reason: "42703" });
    })
    .get("/bug", () => {
      throw new TypeError("secret is not a function");
    })
    .get("/text", () => {
      throw "just a text";
    })
    .get("/mismatch", () => ({ good: 1 }) as never, { response: t.Object({ good: t.String() }) })
    .get("/gone", () => {
      throw new NotFoundError("No such product");
    })
    .get("/conflict", ({ status }) => {
      throw status(409, { message: "mine" });
    })
    .get("/teapot", () => {
      throw Object.assign(new Error("I am a teapot"), { status: 418 });
    });
}

async function ask(path: string, init?: Parameters<typeof request>[1], app = shop()) {
  const log = fakeLog();
  const answer = await testApp({ userApp: app, log }).handle(request(path, init));
  const text = await answer.text();
  return { answer, log, text, problem: JSON.parse(text.startsWith("{") ? text : "{}") as Problem };
}

function json(body: unknown): Parameters<typeof request>[1] {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

describe("an error thrown by the database in a program's route", () => {
  test("becomes the problem answer of its code", async () => {
    const { answer, problem } = await ask("/lost");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toBe("4");
    expect(problem).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "not-executed", detail: "No connection" });
  });

  test("is logged and kept back where its words are the database's own", async () => {
    const { answer, log, text } = await ask("/refused");
    expect(answer.status).toBe(500);
    expect(text).not.toContain("secret");
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]?.message).toContain('GET /refused failed: column "secret" does not exist');
  });
});

describe("a handler that returns what the database promises, without async", () => {
  const Rows = t.Array(t.Object({ id: t.Number() }));
  function app(answer: Answer) {
    const db = fakeDatabase(answer);
    return new Elysia()
      .get("/plain", () => db.read`select 1`)
      .get("/typed", () => db.read<{ id: number }>`select 1`, { response: Rows })
      .get("/either", ({ query: { a } }) => (a ? db.read`select 1` : db.read`select 2`))
      .get("/guarded", () => "in", { beforeHandle: () => db.read`select 1`.then(() => undefined) })
      .get("/hooked", () => "in", { beforeHandle: () => db.read`select 1` as unknown as undefined });
  }

  test("is awaited, and checked against its schema", async () => {
    for (const path of ["/plain", "/typed", "/either", "/hooked"]) {
      const { answer, text } = await ask(
        path,
        {},
        app(() => [{ id: 1 }]),
      );
      expect(answer.status).toBe(200);
      expect(text).toBe('[{"id":1}]');
    }
    expect(
      (
        await ask(
          "/guarded",
          {},
          app(() => []),
        )
      ).text,
    ).toBe("in");
  });

  test("fails as its database does, past the program's own error hook", async () => {
    const lost = () => {
      throw new DebyError("DATABASE_UNAVAILABLE", "Away");
    };
    for (const path of ["/plain", "/typed", "/either", "/guarded", "/hooked"]) {
      expect((await ask(path, {}, app(lost))).problem.code).toBe("DATABASE_UNAVAILABLE");
    }
    const own = new Elysia().onError(() => "mine").use(app(lost));
    expect((await ask("/plain", {}, own)).text).toBe("mine");
  });
});

describe("an unknown error", () => {
  test("is 500 INTERNAL_ERROR that tells nothing, and is logged with its place", async () => {
    const { answer, log, problem, text } = await ask("/bug");
    expect(answer.status).toBe(500);
    expect(problem.code).toBe("INTERNAL_ERROR");
    expect(text).not.toContain("secret");
    expect(log.lines[0]?.message).toContain("GET /bug failed: TypeError: secret is not a function");
    expect(log.lines[0]?.message).toContain("errors.test.ts");
  });

  test("may be anything that was thrown", async () => {
    const { problem, log } = await ask("/text");
    expect(problem.code).toBe("INTERNAL_ERROR");
    expect(log.lines[0]?.message).toContain("just a text");
  });

  test("is also an answer that does not fit the route's own schema", async () => {
    const { answer, problem } = await ask("/mismatch");
    expect(answer.status).toBe(500);
    expect(problem.code).toBe("INTERNAL_ERROR");
  });
});

describe("a request that does not fit", () => {
  test("is 422 and names every part", async () => {
    const { answer, problem } = await ask("/products", json({ name: "", tags: [1] }));
    expect(answer.status).toBe(422);
    expect(problem.code).toBe("VALIDATION_FAILED");
    expect(problem.errors?.map(({ path }) => path).sort()).toEqual(["/body/name", "/body/price", "/body/tags/0"]);
    expect(problem.detail).toContain("/body/price: Expected number");
  });

  test("is 422 for a parameter of the path", async () => {
    const { problem } = await ask("/products/abc");
    expect(problem.errors).toEqual([{ path: "/params/id", message: "Expected integer" }]);
  });

  test("is worded for who sent it as text", async () => {
    const app = new Elysia().get("/find/:id", () => "", {
      params: t.Object({ id: t.Integer({ minimum: 1 }) }),
      query: t.Object({ at: t.Optional(t.Date()), sort: t.Union([t.Literal("name"), t.Literal("price")]) }),
    });
    const { problem } = await ask("/find/7?at=never&sort=color", {}, app);
    expect(problem.detail).toBe('/query/at: Expected date; /query/sort: Expected one of "name", "price"');
    const below = await ask("/find/0?sort=name", {}, app);
    expect(below.problem.detail).toBe("/params/id: Expected integer to be greater or equal to 1");
  });

  test("says the schema's own words where it has some", async () => {
    const app = new Elysia().get("/find", () => "", {
      query: t.Object({ id: t.Integer({ error: "The id, please" }) }),
    });
    expect((await ask("/find?id=x", {}, app)).problem.detail).toBe("/query/id: The id, please");
  });

  test("is 422 without a body", async () => {
    const { answer, problem } = await ask("/products", { method: "POST" });
    expect(answer.status).toBe(422);
    expect(problem.errors?.[0]?.path).toStartWith("/body");
  });

  test("is 400 where the JSON is malformed", async () => {
    const init = { method: "POST", body: "{oops", headers: { "content-type": "application/json" } };
    const { answer, problem } = await ask("/products", init);
    expect(answer.status).toBe(400);
    expect(problem.code).toBe("MALFORMED_REQUEST");
  });
});

describe("an unknown path or method", () => {
  test("is 404 for a path that is nowhere", async () => {
    const { answer, problem } = await ask("/nowhere");
    expect(answer.status).toBe(404);
    expect(problem).toMatchObject({ code: "NOT_FOUND", detail: "There is no GET /nowhere" });
  });

  test("is 404 without any routes of a program too", async () => {
    const answer = await testApp().handle(request("/nowhere"));
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  for (const [method, path, allow] of [
    ["DELETE", "/products/7", "GET, HEAD, OPTIONS, PUT"],
    ["GET", "/products", "OPTIONS, POST"],
    ["POST", "/api/health", "GET, HEAD, OPTIONS"],
    ["POST", "/api/health/", "GET, HEAD, OPTIONS"],
  ] as const) {
    test(`${method} ${path} is 405 with Allow`, async () => {
      const { answer, problem } = await ask(path, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe(allow);
      expect(problem.code).toBe("METHOD_NOT_ALLOWED");
    });
  }

  test("OPTIONS tells what a path knows", async () => {
    const { answer, text } = await ask("/products/7", { method: "OPTIONS" });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS, PUT");
    expect(text).toBe("");
  });

  test("OPTIONS of a path that is nowhere is 404", async () => {
    expect((await ask("/nowhere", { method: "OPTIONS" })).answer.status).toBe(404);
  });

  test("HEAD answers as GET does, without the body", async () => {
    const { answer, text } = await ask("/products/7", { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-length")).toBe("8");
    expect(text).toBe("");
  });
});

describe("what a program means as it is", () => {
  test("status() stays its own answer", async () => {
    const { answer, text } = await ask("/conflict");
    expect(answer.status).toBe(409);
    expect(text).toBe('{"message":"mine"}');
  });

  test("an error with a 4xx of its own keeps it", async () => {
    const { answer, text } = await ask("/teapot");
    expect(answer.status).toBe(418);
    expect(text).toBe("I am a teapot");
  });

  test("NotFoundError says its own words", async () => {
    const { answer, problem } = await ask("/gone");
    expect(answer.status).toBe(404);
    expect(problem.detail).toBe("No such product");
  });

  test("its onError wins, wherever it stands", async () => {
    const before = new Elysia().onError(({ code }) => `mine: ${code}`).get("/lost", lose);
    expect((await ask("/lost", {}, before)).text).toBe("mine: DATABASE_UNAVAILABLE");
    expect((await ask("/nowhere", {}, before)).text).toBe("mine: NOT_FOUND");
    const inPlugin = new Elysia().use(new Elysia().onError(() => "plugin's").get("/lost", lose)).get("/other", lose);
    expect((await ask("/lost", {}, inPlugin)).text).toBe("plugin's");
    expect((await ask("/other", {}, inPlugin)).problem.code).toBe("DATABASE_UNAVAILABLE");
    const onRoute = new Elysia().get("/lost", lose, { error: () => "route's" });
    expect((await ask("/lost", {}, onRoute)).text).toBe("route's");
  });

  test("an onError that returns nothing leaves the answer to deby", async () => {
    const seen: unknown[] = [];
    const app = new Elysia().onError(({ code }) => void seen.push(code)).get("/lost", lose);
    expect((await ask("/lost", {}, app)).problem.code).toBe("DATABASE_UNAVAILABLE");
    expect(seen).toEqual(["DATABASE_UNAVAILABLE"]);
  });

  test.each([{ precompile: true }, { aot: false }, {}])(
    "routes of all kinds get the problem answers with %p",
    async (config) => {
      const app = new Elysia(config)
        .group("/group", (inner) => inner.get("/lost", lose))
        .guard({ headers: t.Object({ "x-key": t.String() }) }, (inner) => inner.get("/guarded", () => "in"))
        .use(new Elysia({ prefix: "/plugin" }).get("/lost", lose))
        .onRequest(({ request: { url } }) => {
          if (url.endsWith("/early")) throw new DebyError("READ_ONLY", "No writes");
        });
      expect((await ask("/group/lost", {}, app)).problem.code).toBe("DATABASE_UNAVAILABLE");
      expect((await ask("/plugin/lost", {}, app)).problem.code).toBe("DATABASE_UNAVAILABLE");
      expect((await ask("/guarded", {}, app)).problem.code).toBe("VALIDATION_FAILED");
      expect((await ask("/early", {}, app)).problem.code).toBe("READ_ONLY");
    },
  );

  test("its hooks never reach deby's own routes", async () => {
    const app = new Elysia()
      .onRequest(({ set }) => {
        set.status = 401;
        return "no entry";
      })
      .onBeforeHandle({ as: "global" }, () => "no entry")
      .get("/mine", () => "mine");
    expect((await ask("/mine", {}, app)).text).toBe("no entry");
    expect((await ask("/api/health", {}, app)).problem.status as unknown).toBe("ok");
  });
});

function lose(): never {
  throw new DebyError("DATABASE_UNAVAILABLE", "No connection");
}
