import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asStatement, type Transaction } from "../../../src/database/statement.ts";
import { DebyError } from "../../../src/errors.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type OpenedDatabase, openOn, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { waitUntil } from "../../support/wait-until.ts";

let server: PostgresServer;
let opened: OpenedDatabase;

beforeAll(async () => {
  server = await startPostgres();
  opened = openOn(server);
  await opened.db.query`create table account (id int primary key, balance int not null check (balance >= 0))`;
  await opened.db.query`insert into account values (1, 100), (2, 0)`;
});

afterAll(async () => {
  await opened[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** JSON cannot have it. */
const circle: { self?: unknown } = {};
circle.self = circle;

/** The pids of our sessions. */
const sessions = async () =>
  (
    await server.psql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'deby%' AND pid <> pg_backend_pid()",
    )
  ).map(({ pid }) => pid);

const balance = async (id: number) =>
  (await opened.db.read<{ balance: number }>`select balance from account where id = ${id}`)[0]?.balance;

describe("statements", () => {
  test("values go as parameters: arrays, JSON, dates, null and text that looks like SQL", async () => {
    const at = new Date("2026-02-03T04:05:06.000Z");
    const [row] = await opened.db.query`select ${[1, 2]}::int[] as numbers, ${["a", 'b"c', null]}::text[] as texts,
      ${{ a: [1] }}::jsonb as json, ${at}::timestamptz as at, ${null}::text as nothing, ${"'; drop table account; --"} as text,
      2 = any(${[1, 2]}) as found, ${[true, false]}::bool[] as flags, ${[at]}::timestamptz[] as dates`;
    expect(row).toEqual({
      numbers: [1, 2],
      texts: ["a", 'b"c', null],
      json: { a: [1] },
      at,
      nothing: null,
      text: "'; drop table account; --",
      found: true,
      flags: [true, false],
      dates: [at],
    });
  });

  test("a refused statement has a code, an outcome, and leaves its connection usable", async () => {
    const { db } = opened;
    expect(await db.query`insert into account values (1, 5)`.catch((error) => error)).toMatchObject({
      code: "CONSTRAINT_VIOLATED",
      reason: "23505",
      outcome: "rolled-back",
    });
    expect(await db.query`select * from nowhere`.catch((error) => error)).toMatchObject({
      code: "STATEMENT_FAILED",
      reason: "42P01",
    });
    expect(await balance(1)).toBe(100);
  });

  test("values that cannot be sent fail by themselves, and 1,000 at once hold up nobody", async () => {
    const { db } = opened;
    const refused = await Promise.all(
      Array.from({ length: 1000 }, () => db.query`select ${undefined}::int`.catch((error) => error)),
    );
    const unlike = refused.filter(({ code, outcome }) => code !== "STATEMENT_FAILED" || outcome !== "not-executed");
    expect(unlike.slice(0, 3)).toEqual([]);
    expect(refused[0]).toMatchObject({ reason: "UNDEFINED_VALUE" });
    expect(await Promise.all(Array.from({ length: 50 }, () => balance(1)))).toEqual(Array(50).fill(100));
  });

  test("values that the driver cannot write down fail by themselves, with the reason, and cost no connection", async () => {
    const { db } = opened;
    const before = await sessions();
    const asJson = (value: unknown) => db.query`select ${value as string}::jsonb as value`;
    const asTime = (value: unknown) => db.query`select ${value as string}::timestamptz as value`;
    // Both on their first way, where the server is asked for the types, and with a statement that it knows.
    for (let round = 0; round < 2; round += 1) {
      const stumbles = Array.from({ length: 30 }, (_, index) => (index % 2 ? asJson(circle) : asTime("not a time")));
      const errors = await Promise.all(stumbles.map((answer) => answer.catch((error) => error)));
      expect(new Set(errors.map(({ code, outcome }) => `${code} ${outcome}`))).toEqual(
        new Set(["STATEMENT_FAILED not-executed"]),
      );
      expect(errors[0].message).toMatch(/invalid date/i);
      expect(errors[1].message).toMatch(/cyclic/i);
      await Promise.all(Array.from({ length: 40 }, () => asJson({ a: 1 })));
      await Promise.all(Array.from({ length: 40 }, () => asTime("2026-02-03")));
    }
    expect(await sessions()).toEqual(expect.arrayContaining(before));
    expect(await Promise.all(Array.from({ length: 50 }, () => balance(1)))).toEqual(Array(50).fill(100));
    expect(db.state().name).toBe("up");
  });

  test("a transaction goes on after a value that cannot be written down", async () => {
    const { db } = opened;
    const result = await db.transaction(async (tx) => {
      const ask = (value: unknown) => tx.query`select ${value as string}::jsonb as value`.catch((error) => error.code);
      return [await ask(circle), await ask({ a: 1 }), await ask(circle), await ask({ a: 2 })];
    });
    expect(result).toEqual(["STATEMENT_FAILED", [{ value: { a: 1 } }], "STATEMENT_FAILED", [{ value: { a: 2 } }]]);
  });

  test("what a value's own code throws is the statement's failure, whatever it is", async () => {
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const ask = (value: unknown) => alone.db.query`select ${value as string}::jsonb as value`;
    expect(await ask({ a: 1 })).toEqual([{ value: { a: 1 } }]);
    const frozen = {
      toJSON() {
        throw Object.freeze(new Error("frozen"));
      },
    };
    expect(await ask(frozen).catch((error) => error)).toMatchObject({ outcome: "not-executed" });
    expect(await ask({ a: 2 })).toEqual([{ value: { a: 2 } }]);
  });

  test("the same where the server has described the statement first: no error is left over, no connection lost", async () => {
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const strays: unknown[] = [];
    const note = (error: unknown): void => void strays.push(error);
    process.on("uncaughtException", note);
    const pid = () => alone.db.query`select pg_backend_pid() as pid`;
    const before = await pid();
    const throwing = (error: Error) => {
      const fail = () => {
        throw error;
      };
      return { toJSON: fail, toString: fail };
    };
    const errors = [Object.freeze(new Error("frozen")), Object.assign(new Error("not ours"), { code: "ECONNRESET" })];
    const types = ["jsonb", "uuid", "text", "bigint"];
    for (const [type, error] of types.flatMap((type) => errors.map((error) => [type, error] as const))) {
      // Each a statement of its own, which the server has not seen.
      const text = asStatementOf(error.message, type);
      const asked = alone.db.with({ deadlineMs: 5000 }).query(text, throwing(error));
      expect(await asked.catch((failure) => failure)).toMatchObject({
        code: "STATEMENT_FAILED",
        outcome: "not-executed",
        message: expect.stringContaining(error.message),
      });
    }
    process.off("uncaughtException", note);
    expect(strays).toEqual([]);
    expect(await pid()).toEqual(before);
    expect(alone.states).toEqual(["up"]);
  });

  test("an error among its rows leaves nothing to the next statement", async () => {
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const { db } = alone;
    const [first] = await db.read<{ pid: number }>`select pg_backend_pid() as pid`;
    const divided = db.read`select 10 / (3 - i) as n from generate_series(1, 5) i`.catch((error) => error);
    expect(await divided).toMatchObject({ reason: "22012" });
    expect(await db.read`select pg_backend_pid() as pid`).toEqual([{ pid: first?.pid }]);
    expect(await db.read`select i from generate_series(1, 2) i`).toEqual([{ i: 1 }, { i: 2 }]);
  });

  test("a value whose own code asks for something is written down unharmed", async () => {
    const { db } = opened;
    let inner: Promise<unknown> | undefined;
    const value = {
      toJSON() {
        inner ??= db.read`select ${7}::int as seven`;
        return { a: 1 };
      },
    };
    expect(await db.query`select ${value as never}::jsonb as value, ${"text"} as text`).toEqual([
      { value: { a: 1 }, text: "text" },
    ]);
    expect(await inner).toEqual([{ seven: 7 }]);
  });

  test("a statement that has grown stale runs once more, with the same values, and fails with its own error", async () => {
    await server.psql("create table note (id int primary key, done bool, data jsonb, bytes bytea, tags text[])");
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const bytes = new Uint8Array([1, 2, 255]);
    const insert = (id: number) =>
      alone.db.query`insert into note (id, done, data, bytes, tags)
        values (${id}, ${true}, ${{ a: 1 }}, ${bytes as never}, ${["x", "y"]}) returning *, pg_backend_pid() as pid`;
    const row = { done: true, data: { a: 1 }, bytes: Buffer.from(bytes), tags: ["x", "y"] };
    const [first] = await insert(1);
    expect(first).toMatchObject(row);
    await server.psql("alter table note add column more int");
    expect(await insert(2)).toEqual([{ id: 2, ...row, more: null, pid: first?.["pid"] }]);
    await server.psql("alter table note add column most int");
    expect(await insert(2).catch((error) => error)).toMatchObject({ code: "CONSTRAINT_VIOLATED", reason: "23505" });
    expect(await alone.db.read`select id from note order by id`).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("a procedure that fails for having grown stale is not run again", async () => {
    // What fails is what the driver takes for a stale statement: routine transformAssignedExpr.
    await server.psql(`create table tally (n int);
      create procedure count_and_fail(x int) language plpgsql as $$ begin
        insert into tally values (x); commit; execute 'insert into tally values (''x''::text)'; end $$`);
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const call = () => alone.db.query`call count_and_fail(${1})`.catch((error) => error);
    const pid = async () => await alone.db.read`select pg_backend_pid() as pid`;
    const before = await pid();
    expect(await call()).toMatchObject({ reason: "42804", outcome: "unknown" });
    expect(await call()).toMatchObject({ reason: "42804", outcome: "unknown" });
    expect(await pid()).toEqual(before);
    expect(await alone.db.read`select count(*)::int as count from tally`).toEqual([{ count: 2 }]);
  });

  test("65,533 values go, one more is refused before it is sent", async () => {
    const { db } = opened;
    const many = (count: number) => {
      const texts = ["select cardinality(array[", ...Array<string>(count - 1).fill("::int, "), "::int]) as count"];
      const template = Object.assign(texts, { raw: texts }) as unknown as TemplateStringsArray;
      return db.read<{ count: number }>(template, ...Array<number>(count).fill(1));
    };
    expect(await many(65_533)).toEqual([{ count: 65_533 }]);
    expect(await many(65_534).catch((error) => error)).toMatchObject({
      reason: "TOO_MANY_VALUES",
      outcome: "not-executed",
    });
  });

  test("what is no template is no statement", async () => {
    const { db } = opened;
    const query = db.query as unknown as (text: unknown) => Promise<unknown>;
    for (const text of ["select 1", ["select 1"], undefined]) {
      expect(await query(text).catch((error) => error)).toMatchObject({ message: expect.stringMatching(/a template/) });
    }
    expect(await balance(1)).toBe(100);
  });

  test("a text keeps its dollar signs, and a template may be used again with other values", async () => {
    const { db } = opened;
    const dollars = (value: unknown) => db.read`select ${value as string}::text as value, '$1' as text`;
    expect(await dollars("a")).toEqual([{ value: "a", text: "$1" }]);
    expect(await dollars(null)).toEqual([{ value: null, text: "$1" }]);
  });

  test("a deadline that is no number is refused, since it would be none", () => {
    expect(() => opened.db.with({ deadlineMs: Number("soon") })).toThrow(/deadlineMs/);
  });

  test("statements that are not prepared any more fail no transaction of the next user", async () => {
    await using alone = openOn(server, { poolMin: 1, poolMax: 1 });
    const ask = () => alone.db.transaction((tx) => tx.query`select balance from account where id = ${1}`);
    for (const drop of ["discard all", "deallocate all"]) {
      expect(await ask()).toEqual([{ balance: 100 }]);
      await alone.db.query(asStatement(drop));
      expect(await ask()).toEqual([{ balance: 100 }]);
    }
  });

  test("a deadline ends a sent write with OUTCOME_UNKNOWN, a read with DEADLINE_EXCEEDED, and frees the place", async () => {
    const { db } = opened;
    const startedAt = performance.now();
    const hasty = db.with({ deadlineMs: 300 });
    const [write, read] = await Promise.all([
      hasty.query`select pg_sleep(5)`.catch((error) => error),
      hasty.read`select pg_sleep(5)`.catch((error) => error),
    ]);
    expect(write).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown" });
    expect(read).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(performance.now() - startedAt).toBeLessThan(300 + 500);
    expect(await balance(1)).toBe(100);
    expect(db.stats().active).toBe(0);
    // The server is asked to end what nobody waits for any more.
    const running =
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE query LIKE '%pg_sleep(5)' AND state = 'active'";
    await waitUntil(
      "the statements have ended",
      async () => {
        const [row] = await server.psql<{ count: number }>(`${running} AND pid <> pg_backend_pid()`);
        return row?.count === 0;
      },
      { deadlineMs: 2000 },
    );
  });

  test("a session's state does not outlive its statement, and a BEGIN of one's own is refused", async () => {
    const { db } = opened;
    await db.query`set statement_timeout = '1ms'`;
    for (let i = 0; i < 5; i++) expect(await db.query`select 1 as one from pg_sleep(0.01)`).toEqual([{ one: 1 }]);
    expect(await db.query`begin`.catch((error) => error)).toMatchObject({ code: "STATEMENT_FAILED" });
    await db.query`update account set balance = balance where id = 1`;
    const [open] = await server.psql<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'idle in transaction'",
    );
    expect(open?.count).toBe(0);
  });
});

describe("statements that go wrong in their own way", () => {
  test("a procedure that commits and then fails is unknown, and is not run again", async () => {
    const { db } = opened;
    await server.psql(`CREATE TABLE step (id int);
      CREATE PROCEDURE stumble() LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO step VALUES (1); COMMIT; RAISE EXCEPTION 'oops' USING ERRCODE = '40001'; END $$`);
    expect(await db.query`call stumble()`.catch((error) => error)).toMatchObject({ outcome: "unknown" });
    expect(await db.read`select count(*)::int as count from step`).toEqual([{ count: 1 }]);
  });

  test("COPY is refused, and the next statement does not suffer for it", async () => {
    const { db } = opened;
    for (const copy of [() => db.query`copy account to stdout`, () => db.query`copy account from stdin`]) {
      expect(await copy().catch((error) => error)).toMatchObject({ reason: "COPY", outcome: "unknown" });
      expect(await db.with({ deadlineMs: 2000 }).query`select 1 as one`).toEqual([{ one: 1 }]);
    }
    expect(db.state().name).toBe("up");
  });

  test("an error of a foreign server's connection is no loss of ours", async () => {
    const { db } = opened;
    const before = opened.states.length;
    const raise = db.query`do $$ begin raise exception 'elsewhere' using errcode = '08001'; end $$`;
    expect(await raise.catch((error) => error)).toMatchObject({ reason: "08001" });
    expect(opened.states.length).toBe(before);
  });

  test("neither a passed deadline nor a caller who has left sends anything", async () => {
    const { db } = opened;
    const gone = db.with({ signal: AbortSignal.abort() });
    expect(await gone.query`insert into account values (90, 1)`.catch((error) => error)).toMatchObject({
      code: "ABORTED",
    });
    const late = db.with({ deadlineMs: -1 });
    expect(await late.query`insert into account values (91, 1)`.catch((error) => error)).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      outcome: "not-executed",
    });
    expect(await db.read`select id from account where id >= 90`).toEqual([]);
  });

  test("slow statements that run into their own deadlines suspect nobody", async () => {
    const { db } = opened;
    const before = opened.states.length;
    // Each has its connection by then, so that none runs into its deadline while it waits for one.
    await waitUntil("there are ten connections", async () => {
      await Promise.all(Array.from({ length: 10 }, () => db.read`select pg_sleep(0.3)`));
      return db.stats().total >= 10;
    });
    const hasty = Array.from({ length: 10 }, () =>
      db.with({ deadlineMs: 200 }).read`select pg_sleep(1)`.catch((error) => error.code),
    );
    expect(new Set(await Promise.all(hasty))).toEqual(new Set(["DEADLINE_EXCEEDED"]));
    expect(opened.states.length).toBe(before);
  });
});

describe("transaction()", () => {
  test("commits what its function did, and gives its result", async () => {
    const result = await opened.db.transaction(async (tx) => {
      await tx.query`update account set balance = balance - 40 where id = 1`;
      await tx.query`update account set balance = balance + 40 where id = 2`;
      return "moved";
    });
    expect(result).toBe("moved");
    expect([await balance(1), await balance(2)]).toEqual([60, 40]);
  });

  test("undoes everything when its function throws, and throws the same", async () => {
    const own = new Error("no");
    const thrown = await opened.db
      .transaction(async (tx) => {
        await tx.query`update account set balance = 0 where id = 1`;
        throw own;
      })
      .catch((error) => error);
    expect(thrown).toBe(own);
    expect(await balance(1)).toBe(60);
  });

  test("a swallowed failure cannot pass for a commit", async () => {
    const thrown = await opened.db
      .transaction(async (tx) => {
        await tx.query`update account set balance = 1 where id = 1`;
        await tx.query`select * from nowhere`.catch(() => {});
      })
      .catch((error) => error);
    expect(thrown).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
    expect(await balance(1)).toBe(60);
  });

  test("statements sent side by side take turns, and each gets its own answer", async () => {
    const answers = await opened.db.transaction((tx) =>
      Promise.all([1, 2, 3, 4].map((n) => tx.query<{ n: number }>`select ${n}::int as n from pg_sleep(0.01)`)),
    );
    expect(answers).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }], [{ n: 4 }]]);
    const failures = await opened.db
      .transaction(async (tx) => {
        const settled = await Promise.allSettled([tx.query`select * from nowhere`, tx.query`select 1`]);
        return settled.map(({ status }) => status);
      })
      .catch((error) => error);
    expect(failures).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
  });

  test("a function that does not await its statements is undone, and told", async () => {
    const before = await balance(2);
    const stray: Promise<unknown>[] = [];
    const thrown = await opened.db
      .transaction(async (tx) => {
        for (let i = 0; i < 2; i++) stray.push(tx.query`update account set balance = balance + 1 where id = 2`);
      })
      .catch((error) => error);
    expect(thrown).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
    const settled = await Promise.allSettled(stray);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await balance(2)).toBe(before as number);
    expect(opened.db.stats().active).toBe(0);
  });

  test("settings made in it reach nobody else", async () => {
    const { db } = opened;
    await db.transaction(async (tx) => {
      await tx.query`set role pg_monitor`;
      await tx.query`set statement_timeout = '50ms'`;
    });
    const who = await Promise.all(
      Array.from(
        { length: 5 },
        () => db.read`select current_user as who, current_setting('statement_timeout') as wait`,
      ),
    );
    expect(who.flat()).toEqual(Array.from({ length: 5 }, () => ({ who: "postgres", wait: "0" })));
  });

  test("COMMIT and ROLLBACK of one's own are not sent, and all is undone, also where that is swallowed", async () => {
    const { db } = opened;
    const before = (await balance(2)) as number;
    const ends: readonly ((tx: Transaction) => Promise<unknown>)[] = [
      (tx) => tx.query`commit`,
      (tx) => tx.query`rollback`,
      (tx) => tx.query`/* by hand */ commit and chain`,
      (tx) => tx.query`commit`.catch(() => {}),
      (tx) => tx.query`rollback`.catch(() => tx.query`select 1`).catch(() => {}),
    ];
    for (const end of ends) {
      const thrown = await db
        .transaction(async (tx) => {
          await tx.query`update account set balance = balance + 1 where id = 2`;
          await end(tx);
        })
        .catch((error) => error);
      expect(thrown).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
      expect(thrown.message).toContain("committed by returning and undone by throwing");
    }
    expect(await balance(2)).toBe(before);
  });

  test("a savepoint may be gone back to", async () => {
    const before = (await balance(2)) as number;
    await opened.db.transaction(async (tx) => {
      await tx.query`savepoint here`;
      await tx.query`update account set balance = balance + 1 where id = 2`;
      await tx.query`rollback to savepoint here`;
    });
    expect(await balance(2)).toBe(before);
  });

  test("an error of another lane keeps its own outcome", async () => {
    const foreign = new DebyError("OUTCOME_UNKNOWN", "elsewhere", { outcome: "unknown" });
    const thrown = await opened.db
      .transaction(async () => {
        throw foreign;
      })
      .catch((error) => error);
    expect(thrown).toBe(foreign);
  });

  test("a function that never returns is undone at the deadline, and holds neither lease nor lock", async () => {
    const { db } = opened;
    const startedAt = performance.now();
    const thrown = await db
      .with({ deadlineMs: 300 })
      .transaction(async (tx) => {
        await tx.query`update account set balance = balance + 1 where id = 1`;
        await new Promise(() => {});
      })
      .catch((error) => error);
    expect(thrown).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "rolled-back" });
    expect(performance.now() - startedAt).toBeLessThan(800);
    await db.with({ deadlineMs: 1000 }).query`update account set balance = balance where id = 1`;
    expect(db.stats().active).toBe(0);
  });

  test("at the deadline nobody waits for a frozen server to answer ROLLBACK", async () => {
    await using proxy = await FaultProxy.listen({ target: server });
    await using through = openOn(server, { stallAfterMs: 60_000 }, { hosts: [proxy] });
    await through.db.query`select 1`;
    const startedAt = performance.now();
    const thrown = await through.db
      .with({ deadlineMs: 500 })
      .transaction(async (tx) => {
        await tx.query`select 1`;
        proxy.setExisting({ kind: "silence" });
        await new Promise(() => {});
      })
      .catch((error) => error);
    expect(thrown).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "rolled-back" });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(through.db.stats().active).toBe(0);
  });

  test("a collision runs a retryable function again, and only a retryable one", async () => {
    const { db } = opened;
    const collide = async (retryable: boolean) => {
      let runs = 0;
      const hasRead = Promise.withResolvers<void>();
      const hasCollided = Promise.withResolvers<void>();
      const outcome = db
        .transaction(
          async (tx) => {
            runs += 1;
            await tx.query`set transaction isolation level repeatable read`;
            await tx.query`select sum(balance) from account`;
            hasRead.resolve();
            await hasCollided.promise;
            await tx.query`update account set balance = balance + 1 where id = 1`;
          },
          { retryable },
        )
        .then(
          () => "committed",
          (error) => error.code,
        );
      await hasRead.promise;
      await db.query`update account set balance = balance + 1 where id = 1`;
      hasCollided.resolve();
      return { outcome: await outcome, runs };
    };
    expect(await collide(false)).toEqual({ outcome: "SERIALIZATION_FAILURE", runs: 1 });
    expect(await collide(true)).toEqual({ outcome: "committed", runs: 2 });
  });

  test("a backend ended in mid-transaction undoes it; a retryable function runs again", async () => {
    const { db } = opened;
    const before = await balance(2);
    let runs = 0;
    const move = (retryable: boolean) =>
      db.transaction(
        async (tx) => {
          runs += 1;
          const [me] = await tx.query<{ pid: number }>`select pg_backend_pid() as pid`;
          await tx.query`update account set balance = balance + 1 where id = 2`;
          if (runs === 1) await server.psql(`SELECT pg_terminate_backend(${me?.pid}, 2000)`);
          await tx.query`select 1`;
        },
        { retryable },
      );
    expect(await move(false).catch((error) => error)).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      outcome: "rolled-back",
    });
    expect(await balance(2)).toBe(before as number);
    runs = 0;
    await move(true);
    expect(runs).toBe(2);
    expect(await balance(2)).toBe((before as number) + 1);
    await waitForSessions(server, "deby", (count) => count >= 2);
  });
});

/** A template with one value, of a text that was never used before. */
function asStatementOf(word: string, type: string): TemplateStringsArray {
  const strings = ["select ", `::${type} as "${word} ${type}"`];
  return Object.assign(strings, { raw: strings });
}
