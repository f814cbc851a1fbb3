import { expect, test } from "bun:test";
import { openOn, sessionsOf, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";

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
  const slow = Array.from({ length: 21 }, (_, index) =>
    db.query`select pg_sleep(${index === 20 ? 0 : 0.8})`.then(() => order.push(index)),
  );
  await waitForSessions(server, "deby", (count) => count === 20);
  expect(db.stats()).toMatchObject({ total: 20, active: 20, waiting: 1 });
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
