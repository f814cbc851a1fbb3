import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import type { Transaction } from "../../../src/database/statement.ts";
import { deby } from "../../../src/elysia.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";

interface Sent {
  readonly key?: string;
  readonly body?: NonNullable<RequestInit["body"]>;
  readonly type?: string;
  readonly host?: string;
}

let server: PostgresServer;
let opened: OpenedDatabase;
let app: ReturnType<typeof listen>;
/** What the work returns in place of its row. */
let returned: (() => unknown) | undefined;

beforeAll(async () => {
  server = await startPostgres();
  await server.psql("CREATE TABLE sale (id int, item text NOT NULL, at timestamptz NOT NULL DEFAULT now())");
  opened = openOn(server);
  app = listen();
});
beforeEach(async () => {
  returned = undefined;
  await server.psql("TRUNCATE sale");
});
afterAll(async () => {
  await app.stop(true);
  await opened[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function listen() {
  const sell = async (tx: Transaction, item: string) => {
    const [sale] = await tx.query<{
      item: string;
      at: Date;
    }>`insert into sale (item) values (${item}) returning item, at`;
    return returned === undefined ? sale : returned();
  };
  const log = { info() {}, warn() {}, error() {} };
  return new Elysia()
    .use(deby({ db: opened.db, log }))
    .post("/", (context) => context.idempotent(context, async (tx) => await sell(tx, await context.request.text())))
    .post(
      "/raw",
      (context) => context.idempotent(context, async (tx) => await sell(tx, await context.request.text())),
      {
        parse: "none",
      },
    )
    .post("/taken", async ({ idempotent, set, request }) => {
      const item = await request.text();
      return await idempotent({ set, request }, (tx) => sell(tx, item));
    })
    .listen({ port: 0, hostname: "127.0.0.1" });
}

async function send(path: string, { key, body = "pen", type, host }: Sent = {}) {
  const response = await fetch(`http://127.0.0.1:${app.server?.port}${path}`, {
    method: "POST",
    body,
    headers: {
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(type === undefined ? {} : { "content-type": type }),
      ...(host === undefined ? {} : { host }),
    },
  });
  const isReplay = response.headers.get("idempotent-replayed") === "true";
  return { status: response.status, isReplay, text: await response.text() };
}

const sales = async () => (await server.psql<{ item: string }>("SELECT item FROM sale")).map(({ item }) => item);

/** A body without a length; Bun would give one to what is at hand at once. */
function inChunks(text: string): ReadableStream {
  const parts = [text.slice(0, 9), text.slice(9)];
  return new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(part));
    },
  });
}

const LARGE = "x".repeat(300_000);

describe("a body that Elysia does not parse", () => {
  test.each<[string, string, (text: string) => Sent]>([
    ["of an unknown type", "/", (text) => ({ body: text, type: "application/vnd.api+json" })],
    ["without a type", "/", (text) => ({ body: new TextEncoder().encode(text) })],
    ["on a route that parses none", "/raw", (text) => ({ body: text, type: "application/json" })],
    ["in chunks", "/raw", (text) => ({ body: inChunks(text) })],
  ])("%s is part of the request, and still there for the work", async (name, path, sent) => {
    const key = name.replaceAll(" ", "-");
    const item = `${key} ${LARGE}`;
    const first = await send(path, { key, ...sent(item) });
    expect([first.status, first.isReplay, JSON.parse(first.text)]).toMatchObject([200, false, { item }]);
    expect(await send(path, { key, ...sent(item) })).toEqual({ ...first, isReplay: true });
    const other = await send(path, { key, ...sent(`${item}!`) });
    expect([other.status, JSON.parse(other.text)]).toMatchObject([422, { code: "KEY_REUSED" }]);
    expect(await sales()).toEqual([item]);
  });

  test("that was read and not handed over is refused before the work, not taken for any other", async () => {
    expect((await send("/taken", { key: "taken" })).status).toBe(500);
    expect(await sales()).toEqual([]);
    expect((await send("/taken")).status).toBe(200);
  });
});

test("a request is the same by whatever name the server is called", async () => {
  const [first, second] = [await send("/", { key: "host", host: "a" }), await send("/", { key: "host", host: "b.c" })];
  expect(second).toEqual({ ...first, isReplay: true });
  expect(await sales()).toEqual(["pen"]);
});

describe("what the work returns", () => {
  test.each<[string, () => unknown]>([
    ["an Error", () => new Error("Sold out")],
    ["a Response", () => Response.json({ id: 7 })],
    ["a generator", () => (function* () {})()],
  ])("undoes it and frees the key where it is %s, with a key and without", async (name, make) => {
    const key = name.replace(" ", "-");
    returned = make;
    expect([(await send("/")).status, (await send("/", { key })).status]).toEqual([500, 500]);
    expect(await sales()).toEqual([]);
    returned = undefined;
    expect(await send("/", { key })).toMatchObject({ status: 200, isReplay: false });
    expect(await sales()).toEqual(["pen"]);
  });

  test("is nothing for all where it is nothing", async () => {
    returned = () => null;
    const answers = [await send("/"), await send("/", { key: "none" }), await send("/", { key: "none" })];
    expect(answers.map(({ text }) => text)).toEqual(["", "", ""]);
    expect(answers.map(({ isReplay }) => isReplay)).toEqual([false, false, true]);
  });
});
