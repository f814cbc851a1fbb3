import { expect, test } from "bun:test";
import { openOn } from "../../support/database.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

test("a transaction that waits for a connection to the lost primary begins on the promoted one, not on a standby", async () => {
  await using pair = await ReplicatedPair.start(oldestPostgres);
  const { primary, standby } = pair;
  const hosts = [primary, standby].map(({ host, port }) => ({ host, port }));
  await using opened = openOn(primary, { poolMax: 1, poolMin: 1 }, { hosts });
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  const slow = db.query`select pg_sleep(60)`.catch((error) => error);
  await waitUntil("the only connection is at work", () => db.stats().active === 1);
  let runs = 0;
  const waiting = db.transaction(async (tx) => {
    runs += 1;
    await tx.query`insert into t values (1)`;
  });
  await waitUntil("the transaction waits", () => db.stats().waiting === 1);
  await pair.killPrimary();
  expect(await slow).toMatchObject({ outcome: "unknown" });
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
  // What is served by the standby proves that the transaction was offered its connection before.
  expect(await db.read`select id from t`).toEqual([]);
  await pair.promote();
  await waiting;
  expect([await standby.psql("SELECT id FROM t"), runs]).toEqual([[{ id: 1 }], 1]);
}, 60_000);
