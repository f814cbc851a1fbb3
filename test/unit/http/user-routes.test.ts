import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { DebyError } from "../../../src/errors.ts";
import { loadUserRoutes } from "../../../src/http/user-routes.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { type FakeDatabase, fakeDatabase, request, testApp } from "./fakes.ts";

/** Writes the files, loads the first, and answers with the loaded app or the error's message. */
async function load(files: Record<string, string>, db: FakeDatabase = fakeDatabase()) {
  await using folder = makeTempFolder("routes");
  for (const [name, text] of Object.entries(files)) await Bun.write(join(folder.path, name), text);
  const file = join(folder.path, Object.keys(files)[0] ?? "");
  try {
    return { app: await loadUserRoutes(file, db), file, message: undefined };
  } catch (error) {
    expect(error).toBeInstanceOf(DebyError);
    expect((error as DebyError).code).toBe("ROUTES_INVALID");
    expect((error as DebyError).exitCode).toBe(2);
    return { app: undefined, file, message: (error as Error).message };
  }
}

const GOOD = `
import { t } from "elysia";
import type { Database } from "deby";
import { greet } from "./greet.ts";
export default ({ app, db }: { app: any; db: Database }) => app
  .get("/hello/:name", ({ params }) => greet(params.name))
  .get("/count", async () => (await db.read\`select 1\`).length)
  .post("/item", ({ body }) => body, { body: t.Object({ name: t.String() }) });
`;
const GREET = 'export const greet = (name: string): string => "Hello ".concat(name);';

describe("a routes file", () => {
  test("is served, with its neighbours, the elysia inside and the database", async () => {
    const db = fakeDatabase(() => [1, 2, 3]);
    const { app } = await load({ "routes.ts": GOOD, "greet.ts": GREET }, db);
    const served = testApp({ userApp: app, db });
    expect(await (await served.handle(request("/hello/you"))).text()).toBe("Hello you");
    expect(await (await served.handle(request("/count"))).text()).toBe("3");
    expect((await served.handle(request("/item", { method: "POST", body: "{}" }))).status).toBe(422);
  });

  test("may be async, and may bring an Elysia of its own", async () => {
    const { app } = await load({
      "routes.ts": `
        import { Elysia } from "elysia";
        import { createDatabase, DebyError } from "deby";
        import { deby } from "deby/elysia";
        if (typeof createDatabase !== "function" || typeof deby !== "function") throw new Error("They are not there");
        export default async () => {
          await Bun.sleep(1);
          return new Elysia()
            .use(Promise.resolve(new Elysia().get("/later", () => { throw new DebyError("READ_ONLY", "No writes"); })))
            .get("/own", () => "own");
        };`,
    });
    const served = testApp({ userApp: app });
    expect(await (await served.handle(request("/own"))).text()).toBe("own");
    expect(await (await served.handle(request("/later"))).json()).toMatchObject({ code: "READ_ONLY" });
  });

  test("that is not there is named", async () => {
    const error = await loadUserRoutes("/nowhere/routes.ts", fakeDatabase()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ROUTES_INVALID" });
    expect((error as Error).message).toContain("/nowhere/routes.ts: there is no such file");
  });

  for (const [what, line, reason, text] of [
    ["does not parse", 2, "Unexpected", "const a = 1;\nconst b = = 2;\nexport default () => {};"],
    ["imports a file that is not there", 2, "./absent.ts", '\nimport { a } from "./absent.ts";\nexport default a;'],
    ["imports a name that is not there", 2, "absent", '\nimport { absent } from "elysia";\nexport default absent;'],
    ["throws while it loads", 3, "no luck today", '\n\nthrow new Error("no luck today");\nexport default 1;'],
    ["uses what is not defined", 2, "undefinedThing", "\nundefinedThing();\nexport default 1;"],
    [
      "has a function that throws",
      3,
      "not like this",
      '\nexport default () => {\n  throw new TypeError("not like this");\n};',
    ],
  ] as const) {
    test(`that ${what} is refused with line ${line}`, async () => {
      const { message, file } = await load({ "routes.ts": text });
      expect(message).toContain(`${file}:${line}: `);
      expect(message).toContain(reason);
    });
  }

  for (const [what, reason, text] of [
    ["has no default export", "no default export", "export const a = 1;"],
    ["exports no function", "not number", "export default 7;"],
    ["returns nothing", "it returned undefined", "export default ({ app }) => { app.get('/a', () => 1); };"],
    ["returns something else", "it returned Object", "export default () => ({});"],
    [
      "takes a path of deby's",
      "GET /api/health is deby's own",
      "export default ({ app }) => app.get('/api/health', () => 1);",
    ],
    ["takes one with a slash", "GET /livez/ is deby's own", "export default ({ app }) => app.get('/livez/', () => 1);"],
    [
      "takes a folder of deby's",
      "POST /swagger/mine",
      "export default ({ app }) => app.post('/swagger/mine', () => 1);",
    ],
    [
      "has a plugin that fails",
      "plugin's trouble",
      'export default ({ app }) => app.use(Promise.reject(new Error("plugin\'s trouble")));',
    ],
    [
      "listens by itself",
      "listen()",
      "export default ({ app }) => app.get('/a', () => 1).listen({ port: 0, hostname: '127.0.0.1' });",
    ],
  ] as const) {
    test(`that ${what} is refused`, async () => {
      const { message, file } = await load({ "routes.ts": text });
      expect(message).toContain(file);
      expect(message).toContain(reason);
    });
  }

  test("may have routes that also match a path of deby's, which deby answers", async () => {
    const { app } = await load({ "routes.ts": "export default ({ app }) => app.get('/*', () => 'any');" });
    const served = testApp({ userApp: app });
    expect(await (await served.handle(request("/else"))).text()).toBe("any");
    expect(await (await served.handle(request("/livez"))).json()).toEqual({ status: "ok" });
  });
});
