import { describe, expect, test } from "bun:test";
import { Elysia, file, status, t } from "elysia";
import type { Transaction } from "../../../src/database/statement.ts";
import { deby } from "../../../src/elysia.ts";
import { createIdempotent } from "../../../src/http/idempotent.ts";
import { fakeDatabase } from "./fakes.ts";

type Work = (tx: Transaction) => unknown;

/** Where the transaction ends, a fake's has no more to tell than whether `work` threw. */
function answering(work: Work) {
  const ends: string[] = [];
  const watched = (tx: Transaction) => Promise.resolve(work(tx));
  const fake = fakeDatabase();
  const ended =
    <A extends unknown[], T>(run: (...args: A) => Promise<T>) =>
    async (...args: A) => {
      try {
        const result = await run(...args);
        ends.push("committed");
        return result;
      } catch (error) {
        ends.push("undone");
        throw error;
      }
    };
  const db = {
    ...fake,
    once: ended(fake.once) as typeof fake.once,
    transaction: ended(fake.transaction) as typeof fake.transaction,
  };
  const log = { info() {}, warn() {}, error: (line: string) => void lines.push(line) };
  const lines: string[] = [];
  const app = new Elysia().use(deby({ db, log })).post("/", (context) => context.idempotent(context, watched));
  const send = async (headers: Record<string, string>) => {
    const response = await app.handle(new Request("http://localhost/", { method: "POST", headers }));
    const { status, headers: sent } = response;
    return { status, type: sent.get("content-type"), text: await response.text() };
  };
  return { ends, lines, both: async () => [await send({}), await send({ "idempotency-key": "k" })] as const };
}

describe("an idempotent route answers alike with a key and without", () => {
  test.each<[string, unknown, status: number, text: string]>([
    ["nothing", undefined, 200, ""],
    ["null", null, 200, ""],
    ["a text", "hello", 200, "hello"],
    ["a number", 5, 200, "5"],
    ["a date", new Date(0), 200, "1970-01-01T00:00:00.000Z"],
    [
      "dates and big numbers",
      { at: new Date(0), big: 2n ** 64n },
      200,
      '{"at":"1970-01-01T00:00:00.000Z","big":"18446744073709551616"}',
    ],
    [
      "an instance of a class",
      new (class Order {
        id = 7;
      })(),
      200,
      '{"id":7}',
    ],
    ["a status", status(201, { id: 7 }), 201, '{"id":7}'],
    ["a status without a body", status(204), 204, ""],
    ["a status by name", status("I'm a teapot", "short"), 418, "short"],
  ])("that is %s", async (_, result, expected, text) => {
    const { both, ends } = answering(() => result);
    const [without, withKey] = await both();
    expect(without).toMatchObject({ status: expected, text });
    expect(withKey).toEqual(without);
    expect(ends).toEqual(["committed", "committed"]);
  });

  test.each<[string, () => unknown]>([
    ["Response", () => Response.json({ id: 7 })],
    [
      "AsyncGenerator",
      async function* () {
        yield 1;
      },
    ],
    ["Iterator", () => [1].values()],
    ["ReadableStream", () => new Response("x").body],
    ["Map", () => new Map()],
    ["Uint8Array", () => new Uint8Array(1)],
    ["ArrayBuffer", () => new ArrayBuffer(1)],
    ["URLSearchParams", () => new URLSearchParams("a=1")],
    ["ElysiaFile", () => file("README.md")],
    ["Function", () => () => 1],
    ["Symbol", () => Symbol("x")],
    ["TypeError", () => status(500, new TypeError("x"))],
  ])("that is no JSON (%s): refused, the work undone, the log told what to do", async (kind, make) => {
    const { both, ends, lines } = answering(make);
    for (const { status, text } of await both()) {
      expect([status, JSON.parse(text)]).toMatchObject([500, { code: "INTERNAL_ERROR", outcome: "rolled-back" }]);
    }
    expect(ends).toEqual(["undone", "undone"]);
    expect(lines).toEqual(
      Array(2).fill(expect.stringContaining(`(${kind}); return a plain value, or status() around`)),
    );
  });

  test("that is an Error: thrown, so that nothing is kept", async () => {
    const { both, ends } = answering(() => new TypeError("returned"));
    const [without, withKey] = await both();
    expect(without).toMatchObject({ status: 500, text: "returned" });
    expect(withKey).toEqual(without);
    expect(ends).toEqual(["undone", "undone"]);
  });
});

describe("what idempotent() gives its caller", () => {
  test.each([{}, { "idempotency-key": "k" }])(
    "is the result after it was JSON, and the type says so: %p",
    async (headers) => {
      const app = new Elysia().use(deby({ db: fakeDatabase() })).post("/", async (context) => {
        const order = await context.idempotent(context, () => {
          context.set.status = "Created";
          return { id: 7, at: new Date(0), note: {} as unknown };
        });
        const at: string = order.at;
        // @ts-expect-error It would be `never` if the type of a value that is not known were lost.
        order.note satisfies string;
        context.set.headers["location"] = `/orders/${order.id}?at=${at}`;
        return order;
      });
      const response = await app.handle(new Request("http://localhost/", { method: "POST", headers }));
      expect([response.status, response.headers.get("location")]).toEqual([
        201,
        "/orders/7?at=1970-01-01T00:00:00.000Z",
      ]);
      expect(await response.json()).toEqual({ id: 7, at: "1970-01-01T00:00:00.000Z", note: {} });
    },
  );

  test.each([{}, { "idempotency-key": "k" }])("is status() only where the work returned it: %p", async (headers) => {
    const seen: unknown[] = [];
    const app = new Elysia().use(deby({ db: fakeDatabase() })).post(
      "/",
      async (context) => {
        const answer = await context.idempotent(context, () => context.status(201, { at: new Date(0).toJSON() }));
        const at: string = answer.response.at;
        seen.push(answer.code, at);
        return answer;
      },
      { response: { 201: t.Object({ at: t.String() }) } },
    );
    const response = await app.handle(new Request("http://localhost/", { method: "POST", headers }));
    expect([response.status, ...seen]).toEqual([201, 201, "1970-01-01T00:00:00.000Z"]);
  });

  test("is answered with its status also where it was kept without telling of status()", async () => {
    const once = async () => ({ status: 201, body: { id: 7 } }) as never;
    const idempotent = createIdempotent({ ...fakeDatabase(), once });
    const app = new Elysia().post("/", (context) => idempotent(context, () => status(201, { id: 7 })));
    const request = new Request("http://localhost/", { method: "POST", headers: { "idempotency-key": "k" } });
    const response = await app.handle(request);
    expect([response.status, await response.json()]).toEqual([201, { id: 7 }]);
  });
});
