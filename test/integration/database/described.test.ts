import { expect, test } from "bun:test";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { openOn } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";

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
