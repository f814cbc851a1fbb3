import { afterAll, beforeAll, describe, expect, test } from "bun:test";
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
