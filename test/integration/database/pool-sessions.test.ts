import { expect, test } from "bun:test";
import { openOn, sessionsOf, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { waitUntil } from "../../support/wait-until.ts";

test("the server sees 2 idle connections, at most 20, the 21st request waiting, and 2 again after idle-timeout", async () => {
  await using server = await startPostgres({ version: oldestPostgres });
  await using opened = openOn(server, { idleTimeoutMs: 1500 });
  const { db } = opened;
  await waitForSessions(server, "deby", (count) => count === 2);
  await waitForSessions(server, "deby-probe", (count) => count === 1);

  const counts = { deby: 0, probe: 0 };
  let isDone = false;
  const observer = (async () => {
    while (!isDone) {
      counts.deby = Math.max(counts.deby, await sessionsOf(server, "deby"));
      counts.probe = Math.max(counts.probe, await sessionsOf(server, "deby-probe"));
    }
  })();
  const order: number[] = [];
  const goOn = Promise.withResolvers<void>();
  const slow = Array.from({ length: 21 }, (_, index) =>
    db
      .transaction(async (tx) => {
        await tx.query`select 1`;
        if (index < 20) await goOn.promise;
      })
      .then(() => order.push(index)),
  );
  await waitForSessions(server, "deby", (count) => count === 20);
  await waitUntil("all are at work", () => db.stats().active === 20);
  expect(db.stats()).toMatchObject({ total: 20, active: 20, waiting: 1 });
  goOn.resolve();
  await Promise.all(slow);
  expect(order).toContain(20);
  expect(order[0]).not.toBe(20);

  await waitForSessions(server, "deby", (count) => count === 2, 6000);
  isDone = true;
  await observer;
  expect(counts.deby).toBe(20);
  expect(counts.probe).toBeLessThanOrEqual(2);
}, 30_000);

test("close() leaves no session behind, and what was in flight got its answer", async () => {
  await using server = await startPostgres();
  const { db } = openOn(server);
  const slow = db.query<{ done: number }>`select 1 as done from pg_sleep(0.5)`;
  await waitForSessions(server, "deby", (count) => count >= 1);
  await db.close({ graceMs: 5000 });
  expect(await slow).toEqual([{ done: 1 }]);
  await waitForSessions(server, "deby", (count) => count === 0);
  await waitForSessions(server, "deby-probe", (count) => count === 0);
  expect(await db.query`select 1`.catch((error) => error.code)).toBe("SHUTTING_DOWN");
}, 30_000);

test("close() lets a transaction in flight read on another connection, and ends with it", async () => {
  await using server = await startPostgres();
  const { db } = openOn(server);
  const begun = Promise.withResolvers<void>();
  const isClosing = Promise.withResolvers<void>();
  const inFlight = db.transaction(async (tx) => {
    await tx.query`select 1`;
    begun.resolve();
    await isClosing.promise;
    return await db.read<{ two: number }>`select 2 as two`;
  });
  await begun.promise;
  const closed = db.close({ graceMs: 20_000 });
  isClosing.resolve();
  expect(await inFlight).toEqual([{ two: 2 }]);
  const answeredAt = performance.now();
  const late = db.query`select 3`.catch((error) => error.code);
  await closed;
  expect(await late).toBe("SHUTTING_DOWN");
  expect(performance.now() - answeredAt).toBeLessThan(5000);
  await waitForSessions(server, "deby", (count) => count === 0);
}, 30_000);

test("close() ends a transaction whose function does not return, once its grace is over", async () => {
  await using server = await startPostgres();
  const { db } = openOn(server);
  const begun = Promise.withResolvers<void>();
  const inFlight = db.transaction(async (tx) => {
    await tx.query`create table t ()`;
    begun.resolve();
    await new Promise(() => {});
  });
  const thrown = inFlight.catch((error) => error);
  await begun.promise;
  await db.close({ graceMs: 100 });
  const closedAt = performance.now();
  expect(await thrown).toMatchObject({ code: "SHUTTING_DOWN", outcome: "rolled-back" });
  expect(performance.now() - closedAt).toBeLessThan(1000);
}, 30_000);
