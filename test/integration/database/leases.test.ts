import { expect, test } from "bun:test";
import type { LeaseWarning } from "../../../src/database/events.ts";
import { openOn } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";

test("a lease that lasts too long is told with where it was taken: the caller's frame, or the statement without values", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { leaseWarningMs: 200 });
  const { db } = opened;
  const warnings: LeaseWarning[] = [];
  db.on("leaseWarning", (warning) => void warnings.push(warning));
  const told = Promise.withResolvers<void>();
  const leaking = db.transaction(() => told.promise);
  await waitUntil("the transaction is told of", () => warnings.length === 1);
  told.resolve();
  await leaking;
  await db.read`select pg_sleep(${1}) as slept`;
  expect(warnings.map(({ where }) => where)).toEqual([
    expect.stringContaining("leases.test.ts"),
    "select pg_sleep($1) as slept",
  ]);
  expect(warnings[0]?.heldMs).toBeGreaterThanOrEqual(200);
}, 30_000);

test("lease-limit takes a connection back: the transaction is undone, the pool whole, and the error says why", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { leaseLimitMs: 1000, poolMax: 1, poolMin: 1 });
  const { db } = opened;
  await server.psql("create table t (id int)");
  const leaking = db.transaction(async (tx) => {
    await tx.query`insert into t values (1)`;
    await new Promise(() => {});
  });
  expect(await leaking.catch((error) => error)).toMatchObject({
    code: "DEADLINE_EXCEEDED",
    outcome: "rolled-back",
    reason: "LEASE_LIMIT",
    message: expect.stringContaining("lease-limit"),
  });
  const startedAt = performance.now();
  const error = await db.read`select pg_sleep(5)`.catch((thrown) => thrown);
  expect(performance.now() - startedAt).toBeLessThan(2000);
  expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: "LEASE_LIMIT" });
  expect(await db.read`select id from t`).toEqual([]);
  expect(opened.states).toEqual(["up"]);
}, 30_000);
