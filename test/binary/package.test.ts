import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeTempFolder } from "../support/temp-folder.ts";
import { Consumer, packInto, readmeProgram } from "./package-support.ts";

/** What the type tests say of the package; a wrong type is an error of the checker. */
const TYPES = `
import { createDatabase, type Database, DebyError, type ErrorCode, type OwnDatabase, type Row } from "deby";
import { deby } from "deby/elysia";
import { Elysia } from "elysia";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type IsAny<T> = 0 extends 1 & T ? true : false;
export function expectSame<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}
export function expectNoAny<T>(..._: IsAny<T> extends false ? [] : [never]): void {}

export async function statements(db: OwnDatabase) {
  expectSame<Awaited<ReturnType<typeof plain>>, Row[]>();
  function plain() {
    return db.read\`select 1\`;
  }
  const [row] = await db.query<{ at: Date; n: number }>\`select now() as at, 1 as n\`;
  expectSame<typeof row, { at: Date; n: number } | undefined>();
  const stored = await db.once("key", async () => ({ at: new Date(), n: 1, big: 1n, list: [new Date()] }));
  expectSame<typeof stored, { at: string; n: number; big: string; list: string[] }>();
  const returned = await db.transaction(async (tx) => (await tx.query<{ id: number }>\`select 1 as id\`)[0]?.id);
  expectSame<typeof returned, number | undefined>();
  const state = db.state();
  if (state.name === "down") expectSame<typeof state.attempt, number>();
  const stop = db.on("recovered", ({ outageMs }) => expectSame<typeof outageMs, number>());
  expectSame<typeof stop, () => void>();
  expectNoAny<ReturnType<typeof db.stats>>();
  expectSame<Awaited<ReturnType<typeof db.outcome>>, "committed" | "not-committed" | "unknown" | "in-progress">();
}

export function options(url: string | undefined) {
  createDatabase();
  createDatabase({ databaseUrl: url, poolMax: 5, leaseLimit: "off", retryDelays: ["1s", "2s"], watchRatio: "2%" });
  createDatabase({ env: {}, log: console, dbSslmode: "verify-full", targetSessionAttrs: "any", prepare: "off" });
  // @ts-expect-error a duration has a unit
  createDatabase({ acquireTimeout: 5000 });
  // @ts-expect-error its unit is one of four
  createDatabase({ acquireTimeout: "5 seconds" });
  // @ts-expect-error it cannot be off
  createDatabase({ acquireTimeout: "off" });
  // @ts-expect-error it is a number
  createDatabase({ poolMax: "5" });
  // @ts-expect-error there is no such option
  createDatabase({ poolmax: 5 });
  // @ts-expect-error there is no such choice
  createDatabase({ prepare: "maybe" });
  // @ts-expect-error a server's setting
  createDatabase({ port: 5000 });
}

export function errors(error: unknown) {
  if (!(error instanceof DebyError)) return;
  expectSame<typeof error.code, ErrorCode>();
  expectSame<typeof error.outcome, "not-executed" | "rolled-back" | "committed" | "unknown">();
  // @ts-expect-error there is no such code
  if (error.code === "NO_SUCH_CODE") return;
  expectSame<typeof error.status, number>();
}

export function plugin(given: Database) {
  // @ts-expect-error a given database has its settings already
  deby({ db: given, poolMax: 5 });
  const app = new Elysia({ prefix: "/v1" })
    .decorate("own", 1)
    .use(deby({ poolMax: 5, prefix: "/internal" }))
    .use(new Elysia().use(deby({ db: given })))
    .get("/:id", async (context) => {
      expectNoAny<typeof context>();
      expectSame<typeof context.db, Database>();
      expectNoAny<typeof context.idempotent>();
      expectSame<typeof context.own, number>();
      expectSame<typeof context.params, { id: string }>();
      // @ts-expect-error there is no such thing
      context.database;
      const [row] = await context.db.read<{ id: number }>\`select 1 as id\`;
      return await context.idempotent(context, async () => ({ row }));
    });
  expectNoAny<typeof app>();
  expectSame<(typeof app)["decorator"]["db"], Database>();
  // Eden's types are made of these.
  type Answer = (typeof app)["~Routes"]["v1"][":id"]["get"]["response"][200];
  expectSame<Answer, { row: { id: number } | undefined }>();
}
`;

const SHIPPED =
  /^(package\.json|LICENSE|README\.md|dist\/lib\/(index|elysia|shared-\w+)\.js|dist\/lib\/types\/.*\.d\.ts)$/;
const MOST_BYTES = 110_000;

const folder = makeTempFolder("package");
afterAll(() => folder[Symbol.asyncDispose]());

let tarball: string;
let consumer: Consumer;
let withElysia: Consumer;
beforeAll(async () => {
  tarball = await packInto(folder.path);
  consumer = await Consumer.with(tarball, "bun-types@1.4.5");
  withElysia = await Consumer.with(tarball, "bun-types@1.4.5", "elysia@1.4.30");
});
afterAll(async () => {
  await consumer?.[Symbol.asyncDispose]();
  await withElysia?.[Symbol.asyncDispose]();
});

function installed(): string {
  return join(consumer.path, "node_modules", "deby");
}

function shippedFiles(): string[] {
  return (
    readdirSync(installed(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed().length + 1))
      // Bun's own note of where it came from.
      .filter((name) => name !== ".bun-tag")
  );
}

test("the tarball holds modules, their declarations, licence and README, and is small", () => {
  expect(shippedFiles().filter((name) => !SHIPPED.test(name))).toEqual([]);
  expect(statSync(tarball).size).toBeLessThan(MOST_BYTES);
});

test("packed again it is the same, byte for byte", async () => {
  await using again = makeTempFolder("package");
  const [first, second] = [tarball, await packInto(again.path)].map((path) => readFileSync(path));
  expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
});

test("it brings two packages, and no Elysia", () => {
  expect(readdirSync(join(consumer.path, "node_modules")).toSorted()).toEqual(
    ["@types", "bun-types", "deby", "postgres", "postgres-array", "undici-types"].toSorted(),
  );
});

test("its declarations know no any", () => {
  const found = shippedFiles()
    .filter((name) => name.endsWith(".d.ts"))
    .filter((name) => {
      const code = readFileSync(join(installed(), name), "utf8")
        .replace(/\/\*.*?\*\//gs, "")
        .replace(/"[^"\n]*"/g, '""');
      return /\bany\b/.test(code);
    });
  expect(found).toEqual([]);
});

test("its types, and those of README's programs, are exact for the strictest consumer", async () => {
  consumer.write("visits.ts", readmeProgram("visits.ts"));
  expect(await consumer.typeErrors()).toEqual([]);
  expect(await consumer.typeErrors("--module", "nodenext", "--moduleResolution", "nodenext")).toEqual([]);
  withElysia.write("visits.ts", readmeProgram("visits.ts"));
  withElysia.write("notes.ts", readmeProgram("notes.ts"));
  withElysia.write("types.ts", TYPES);
  // Elysia's own declarations do not stand so strict a check.
  expect(await withElysia.typeErrors("--skipLibCheck")).toEqual([]);
  const all = await withElysia.typeErrors();
  expect(all.filter((line) => !line.startsWith("node_modules/elysia/"))).toEqual([]);
});
