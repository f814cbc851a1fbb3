import { describe, expect, test } from "bun:test";
import { DebyError } from "../../../src/errors.ts";
import { CanaryTable } from "../../../src/http/canary-table.ts";
import { type Answer, fakeDatabase, request, testApp } from "./fakes.ts";

const ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

function canary(answer: Answer) {
  const db = fakeDatabase(answer);
  const app = testApp({ db, canary: new CanaryTable(db) });
  return { db, ask: (method: string, id = ID) => app.handle(request(`/api/canary/${id}`, { method })) };
}

function pgError(reason: string): DebyError {
  return new DebyError("STATEMENT_FAILED", `SQLSTATE ${reason}`, { reason });
}

/** A table in memory, behind just the statements that the routes send. */
function memoryTable() {
  const rows = new Map<string, { id: string; createdAt: string }>();
  let isMade = false;
  const answer: Answer = (sql, [id]) => {
    if (sql.includes("pg_catalog.pg_class")) return isMade ? [{ name: "canary" }] : [];
    if (sql.includes("create table")) isMade = true;
    if (!sql.includes("deby.canary") || sql.includes("create table")) return [];
    if (!isMade) throw pgError("42P01");
    const row = rows.get(String(id));
    if (!sql.startsWith("insert")) return row === undefined ? [] : [row];
    if (row !== undefined) return [];
    const created = { id: String(id), createdAt: "2026-01-01T00:00:00.000Z" };
    rows.set(created.id, created);
    return [created];
  };
  return {
    answer,
    drop() {
      isMade = false;
      rows.clear();
    },
  };
}

describe("the canary routes", () => {
  test("are there only with the setting", async () => {
    expect((await testApp().handle(request(`/api/canary/${ID}`))).status).toBe(404);
  });

  test("PUT is 201 the first time and 200 from then on, with the same row", async () => {
    const { ask } = canary(memoryTable().answer);
    const first = await ask("PUT");
    expect(first.status).toBe(201);
    const row = await first.json();
    expect(row).toEqual({ id: ID, createdAt: "2026-01-01T00:00:00.000Z" });
    const second = await ask("PUT");
    expect(second.status).toBe(200);
    expect(await second.json()).toEqual(row);
    expect(await (await ask("GET")).json()).toEqual(row);
  });

  test("GET is 404 for a row that is not there, even where the table was never made", async () => {
    const { ask, db } = canary(memoryTable().answer);
    expect((await ask("GET")).status).toBe(404);
    expect(db.asked.some((sql) => sql.includes("create table"))).toBe(false);
  });

  test("an id that is no UUID is 422", async () => {
    const { ask, db } = canary(memoryTable().answer);
    for (const method of ["PUT", "GET"]) {
      const answer = await ask(method, "7");
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ errors: [{ path: "/params/id", message: "Expected a UUID" }] });
    }
    expect(db.asked).toEqual([]);
  });

  test("PUT makes the table once, and again should it vanish", async () => {
    const table = memoryTable();
    const { ask, db } = canary(table.answer);
    const makings = () => db.asked.filter((sql) => sql.includes("create table")).length;
    await Promise.all([ask("PUT"), ask("PUT"), ask("PUT")]);
    expect(makings()).toBe(1);
    table.drop();
    expect((await ask("PUT")).status).toBe(201);
    expect(makings()).toBe(2);
  });

  test("an error of the database is answered as its code says", async () => {
    const { ask } = canary(() => {
      throw new DebyError("DATABASE_UNAVAILABLE", "Away", { retryAfterMs: 5000 });
    });
    const answer = await ask("PUT");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
  });
});

describe("CanaryTable.make()", () => {
  test("locks before it creates, and creates nothing that is there", async () => {
    const table = memoryTable();
    const db = fakeDatabase(table.answer);
    await new CanaryTable(db).make();
    expect(db.asked).toEqual([
      expect.stringMatching(/^look: /),
      expect.stringMatching(
        /^change: set local .*; select pg_advisory_xact_lock\(\d+\); create schema .*; create table /,
      ),
    ]);
    await new CanaryTable(db).make();
    expect(db.asked.slice(2)).toEqual([expect.stringMatching(/^look: /)]);
  });

  test("believes no refusal where another process, with other rights, has made it meanwhile", async () => {
    const table = memoryTable();
    const db = fakeDatabase((sql, values) => {
      const answer = table.answer(sql, values);
      if (sql.includes("create table")) throw pgError("42501");
      return answer;
    });
    await new CanaryTable(db).make();
    expect(db.asked.map((asked) => asked.split(":")[0])).toEqual(["look", "change", "look"]);
  });

  test("tells the SQL to run where the role may not create", async () => {
    const db = fakeDatabase((sql) => {
      if (sql.includes("create table")) throw pgError("42501");
      return [];
    });
    const canary = new CanaryTable(db);
    const error = await canary.make().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "DATABASE_MISCONFIGURED", reason: "42501", outcome: "rolled-back" });
    expect((error as Error).message).toContain(canary.sql);
  });
});
