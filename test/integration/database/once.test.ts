import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { DebyError } from "../../../src/errors.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";

let server: PostgresServer;
let opened: OpenedDatabase;

beforeAll(async () => {
  server = await startPostgres();
  await server.psql("create table sale (id bigint generated always as identity, item text not null, at timestamptz)");
  opened = openOn(server);
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
afterEach(() => server.psql("truncate sale"));

async function sales(item: string): Promise<number> {
  const [row] = await server.psql<{ count: number }>(`select count(*)::int as count from sale where item = '${item}'`);
  return row?.count ?? 0;
}

const failure = (promise: Promise<unknown>): Promise<DebyError> =>
  promise.then(
    (value) => {
      throw new Error(`It did not fail, but gave ${JSON.stringify(value)}`);
    },
    (error) => error,
  );

describe("once()", () => {
  test("runs the work for the first call, and gives its result to all others", async () => {
    const { db } = opened;
    let runs = 0;
    let replays = 0;
    const buy = () =>
      db.once(
        "first",
        async (tx) => {
          runs += 1;
          const [sale] = await tx.query<{ id: bigint }>`insert into sale (item) values ('first') returning id`;
          return { sale: sale?.id };
        },
        {
          onReplay: () => {
            replays += 1;
          },
        },
      );
    const results = [await buy(), await buy(), await buy()];
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect([runs, replays, await sales("first")]).toEqual([1, 2, 1]);
  });

  test("gives the first caller and a replay the same value, as JSON knows it", async () => {
    const { db } = opened;
    const value = {
      at: new Date("2026-11-23T10:11:12.345Z"),
      big: 12345678901234567890n,
      nothing: null,
      nested: [1, [2, ["3", null]], { deep: [] }],
      left: undefined,
    };
    const work = async () => value;
    const first = await db.once("values", work);
    const replay = await db.once("values", work);
    expect<object>(first).toEqual({
      at: "2026-11-23T10:11:12.345Z",
      big: "12345678901234567890",
      nothing: null,
      nested: [1, [2, ["3", null]], { deep: [] }],
    });
    expect(replay).toEqual(first);
    const at: string = first.at;
    const big: string = first.big;
    expect([at.length, big.length]).toEqual([24, 20]);
    expect([await db.once("void", async () => {}), await db.once("void", async () => {})]).toEqual([
      undefined,
      undefined,
    ]);
    expect([await db.once("null", async () => null), await db.once("null", async () => null)]).toEqual([null, null]);
  });

  test("a work that fails leaves its key free, and nothing else behind", async () => {
    const { db } = opened;
    const error = await failure(
      db.once("fails", async (tx) => {
        await tx.query`insert into sale (item) values ('fails')`;
        throw new TypeError("no");
      }),
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(await sales("fails")).toBe(0);
    expect(await db.outcome("fails")).toBe("not-committed");
    expect(await db.once("fails", async () => "second")).toBe("second");
    expect(await db.outcome("fails")).toBe("committed");
  });

  test("refuses what it could not give back, and undoes the work", async () => {
    const { db } = opened;
    const large = "x".repeat(1024 * 1024);
    for (const value of [
      large,
      () => 1,
      {
        toJSON: () => {
          throw new Error("never");
        },
      },
    ]) {
      const error = await failure(
        db.once("unstorable", async (tx) => {
          await tx.query`insert into sale (item) values ('unstorable')`;
          return value;
        }),
      );
      expect(error).toMatchObject({ code: "STATEMENT_FAILED" });
    }
    expect(await sales("unstorable")).toBe(0);
    expect(await failure(db.once("", async () => 1))).toMatchObject({ code: "VALIDATION_FAILED" });
    expect(await failure(db.once("k".repeat(256), async () => 1))).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("the same key with another fingerprint is KEY_REUSED, in another scope another key", async () => {
    const { db } = opened;
    expect(await db.once("print", async () => 1, { fingerprint: "a" })).toBe(1);
    expect(await failure(db.once("print", async () => 2, { fingerprint: "b" }))).toMatchObject({ code: "KEY_REUSED" });
    expect(await failure(db.once("print", async () => 2))).toMatchObject({ code: "KEY_REUSED" });
    expect(await db.once("print", async () => 3, { fingerprint: "b", scope: "other" })).toBe(3);
    expect(await db.once("print", async () => 4, { fingerprint: "a" })).toBe(1);
  });

  test("50 calls at once run the work once, whether in one process or in three", async () => {
    await using second = openOn(server);
    await using third = openOn(server);
    const dbs = [opened.db, second.db, third.db];
    let runs = 0;
    const call = (index: number) =>
      (dbs[index % 3] ?? opened.db).once("crowd", async (tx) => {
        runs += 1;
        await tx.query`insert into sale (item) select 'crowd' from pg_sleep(0.2)`;
        return { index };
      });
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => call(index)));
    expect(new Set(results.map(({ index }) => index)).size).toBe(1);
    expect([runs, await sales("crowd")]).toEqual([1, 1]);
  });

  test("while another call has the key, a short deadline gets KEY_IN_PROGRESS, and the work runs once", async () => {
    await using other = openOn(server);
    const letGo = Promise.withResolvers<void>();
    const slow = opened.db.once("slow", async (tx) => {
      await tx.query`insert into sale (item) values ('slow')`;
      await letGo.promise;
      return "slow";
    });
    await waitUntil("the key is taken", async () => (await other.db.outcome("slow")) === "in-progress");
    expect(await opened.db.outcome("slow")).toBe("in-progress");
    for (const { db } of [opened, other]) {
      // On a busy machine the deadline may come before the word of the server, which waits for 50 ms less.
      const error = await waitUntil("it is told that the key is taken", async () => {
        const told = await failure(db.with({ deadlineMs: 200 }).once("slow", async () => "hasty"));
        return told.code !== "DEADLINE_EXCEEDED" && told;
      });
      expect(error).toMatchObject({ code: "KEY_IN_PROGRESS", retryAfterMs: 1000, outcome: "not-executed" });
    }
    letGo.resolve();
    expect(await slow).toBe("slow");
    expect(await other.db.once("slow", async () => "late")).toBe("slow");
    expect(await sales("slow")).toBe(1);
    expect(other.db.stats().total).toBeGreaterThan(0);
  });

  test("a work that ends its transaction is no success, whatever it swallows, and frees its key", async () => {
    const { db } = opened;
    const swallowed = await failure(
      db.once("ends", async (tx) => {
        await tx.query`insert into sale (item) values ('ends')`;
        await tx.query`rollback`.catch(() => {});
        await tx.query`insert into sale (item) values ('ends')`.catch(() => {});
      }),
    );
    expect(swallowed).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
    const chained = await failure(
      db.once("ends", async (tx) => {
        await tx.query`rollback and chain`;
      }),
    );
    expect(chained).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
    const undone = await failure(
      db.once("ends", async (tx) => {
        await tx.query`delete from deby.outcome where key = 'ends'`;
        return "kept";
      }),
    );
    expect(undone).toMatchObject({ code: "STATEMENT_FAILED", outcome: "rolled-back" });
    expect(await sales("ends")).toBe(0);
    expect(await db.outcome("ends")).toBe("not-committed");
    expect(await db.once("ends", async () => "fine")).toBe("fine");
  });

  test("tells of a key in one scope apart from that of another", async () => {
    const { db } = opened;
    await db.once("scoped", async () => 1, { scope: "a" });
    expect(await db.outcome("scoped", { scope: "a" })).toBe("committed");
    expect(await db.outcome("scoped", { scope: "b" })).toBe("not-committed");
    expect(await db.outcome("scoped")).toBe("committed");
  });

  test("a role that may not use the table is told what an owner has to run", async () => {
    await server.psql("create role guest login password 'guest'");
    await using guest = openOn(server, {}, { user: "guest", password: new Secret("guest") });
    const error = await failure(guest.db.once("guest", async () => 1));
    expect(error).toMatchObject({ code: "DATABASE_MISCONFIGURED", reason: "42501", outcome: "rolled-back" });
    expect(error.message).toContain("grant select, insert, update, delete on deby.outcome to ROLE");
  });

  test("a collision runs the work again", async () => {
    let runs = 0;
    const result = await opened.db.once("collision", async (tx) => {
      runs += 1;
      if (runs < 3) await tx.query`do $$ begin raise serialization_failure; end $$`;
      return runs;
    });
    expect(result).toBe(3);
  });

  test("does not depend on the database's defaults", async () => {
    const defaults = [
      "default_transaction_isolation = 'repeatable read'",
      "default_transaction_isolation = 'serializable'",
      "synchronous_commit = off",
    ];
    for (const [index, setting] of defaults.entries()) {
      await server.psql(`alter database ${server.database} set ${setting}`);
      await using fresh = openOn(server);
      const seen = await fresh.db.once(`defaults ${index}`, async (tx) => {
        const [row] = await tx.query<{ isolation: string; commit: string; lock: string }>`
          select current_setting('transaction_isolation') as isolation,
            current_setting('synchronous_commit') as commit, current_setting('lock_timeout') as lock`;
        return row;
      });
      expect(seen).toEqual({ isolation: "read committed", commit: "on", lock: "0" });
      expect<unknown>(await fresh.db.once(`defaults ${index}`, async () => undefined)).toEqual(seen);
      await server.psql(`alter database ${server.database} reset all`);
    }
  });
});
