import { expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { type Clock, systemClock } from "../../../src/core/clock.ts";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { Connection } from "../../../src/database/connection.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { openOn, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import { targetAt } from "../../support/settings.ts";

/** Parse, Describe and Flush come first; Bind and Execute only when the server has told the parameters' types. */
const DESCRIBE_ENDS_WITH = Buffer.from([0x48, 0, 0, 0, 4]);

test("a write whose connection is lost before the word to run was sent waits, and runs once", async () => {
  await using server = await startPostgres();
  await server.psql("create table note (id int)");
  await using proxy = await FaultProxy.listen({ target: server });
  await using opened = openOn(server, {}, { hosts: [proxy] });
  const { db } = opened;
  await db.query`select 1`;
  let cuts = 0;
  proxy.onClientData = (_, chunk) => {
    if (!chunk.includes("insert into note") || !chunk.subarray(-5).equals(DESCRIBE_ENDS_WITH)) return undefined;
    cuts += 1;
    proxy.onClientData = () => undefined;
    return { kind: "reset", afterBytes: chunk.length };
  };
  await db.query`insert into note (id) values (${1})`;
  expect(cuts).toBe(1);
  expect(await server.psql("select id from note")).toEqual([{ id: 1 }]);
});

test("at its deadline it is known not to have run", async () => {
  await using server = await startPostgres();
  await server.psql("create table note (id int)");
  await using proxy = await FaultProxy.listen({ target: server });
  await using opened = openOn(server, { stallAfterMs: 60_000 }, { hosts: [proxy] });
  const { db } = opened;
  await db.query`select 1`;
  proxy.onClientData = (_, chunk) =>
    chunk.includes("insert into note") ? { kind: "silence", afterBytes: 0 } : undefined;
  const written = db.with({ deadlineMs: 500 }).query`insert into note (id) values (${1})`;
  expect(await written.catch((error) => error)).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-executed" });
});

test("what was told at its deadline not to have run does not run when the server can go on at that moment", async () => {
  await using server = await startPostgres();
  await server.psql("create table note (id int)");
  await using other = openOn(server);
  // Whatever else waits for the next turn waits long.
  const slowTurn = (delayMs: number): number => (delayMs === 0 ? 60_000 : delayMs);
  const clock: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(slowTurn(ms), callback) };
  const connection = await Connection.open(targetAt(server.port, { password: new Secret(server.password) }), {
    clock,
    sweep: new DeadlineSweep(clock),
    applicationName: "late",
    prepare: "on",
    deadlineAt: clock.now() + 5000,
  });
  const run = (strings: TemplateStringsArray, ...values: unknown[]) =>
    connection.run(strings, values, clock.now() + 300);
  // To describe the parameters it has to wait for the table.
  await other.db.transaction(async (tx) => {
    await tx.query`lock table note in access exclusive mode`;
    const error = await run`insert into note (id) values (${1})`.catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "not-executed" });
  });
  await waitForSessions(server, "late", (count) => count === 0);
  expect(await server.psql("select id from note")).toEqual([]);
});
