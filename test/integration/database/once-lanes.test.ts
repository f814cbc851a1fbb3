import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Transaction } from "../../../src/database/statement.ts";
import { DebyError } from "../../../src/errors.ts";
import type { FaultConnection } from "../../../src/outage/fault-connection.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type OpenedDatabase, openOn } from "../../support/database.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";

let server: PostgresServer;
let proxy: FaultProxy;
let opened: OpenedDatabase;

beforeAll(async () => {
  server = await startPostgres();
  await server.psql("CREATE TABLE sale (item text NOT NULL); CREATE TABLE audit (what text NOT NULL)");
  proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
  // Each statement's text is on the wire, and not only where it is prepared.
  opened = openOn(server, { prepare: "off" }, { hosts: [{ host: proxy.host, port: proxy.port }] });
  await opened.db.once("before", async () => {});
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
  await proxy.close();
  await server[Symbol.asyncDispose]();
});
afterEach(async () => {
  proxy.onClientData = () => undefined;
  proxy.onServerData = () => undefined;
  await server.psql("TRUNCATE sale, audit");
});

/** The first insert into each of these tables is done, and its connection reset before the answer. */
function loseAnswers(...tables: string[]): void {
  const waiting = new Set(tables);
  const doomed = new Set<FaultConnection>();
  proxy.onClientData = (connection, chunk) => {
    const table = [...waiting].find((name) => chunk.includes(`insert into ${name}`));
    if (table !== undefined && waiting.delete(table)) doomed.add(connection);
    return undefined;
  };
  proxy.onServerData = (connection, chunk) => {
    if (!chunk.includes("INSERT 0 1") || !doomed.delete(connection)) return undefined;
    return { kind: "reset", afterBytes: 0 };
  };
}

const written = async (table: string) => (await server.psql(`SELECT 1 FROM ${table}`)).length;
const keyToBeFree = (key: string) =>
  waitUntil("the key is free", async () => (await opened.db.outcome(key)) === "not-committed");
const sell = (tx: Transaction) => tx.query`insert into sale values ('one')`;
const audit = () => opened.db.query`insert into audit values ('one')`;
const collide = () =>
  opened.db.transaction((tx) => tx.query`do $$ begin raise serialization_failure; end $$`, { retryable: false });

/** What the function's first run throws must be what its caller gets. */
async function failOnce(
  how: "once" | "transaction",
  key: string,
  work: (tx: Transaction) => Promise<unknown>,
): Promise<{ readonly error: unknown; readonly runs: number }> {
  const { db } = opened;
  let runs = 0;
  const counted = (tx: Transaction): Promise<unknown> => {
    runs += 1;
    return work(tx);
  };
  const done = how === "once" ? db.once(key, counted) : db.transaction(counted, { retryable: true });
  const error = await done.then(
    (value) => `It did not fail, but gave ${JSON.stringify(value)}`,
    (thrown) => thrown,
  );
  return { error, runs };
}

describe.each(["once", "transaction"] as const)("what another lane has met, inside %s()", (how) => {
  test("a lost write there is thrown on, and nothing is run again or kept", async () => {
    loseAnswers("audit");
    const { error, runs } = await failOnce(how, "lane lost", async (tx) => {
      await sell(tx);
      await audit();
    });
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown", isLostConnection: true });
    expect([runs, await written("audit"), await written("sale")]).toEqual([1, 1, 0]);
    await keyToBeFree("lane lost");
  });

  test("so it is where the own connection is lost, too", async () => {
    loseAnswers("audit", "sale");
    const { error, runs } = await failOnce(how, "both lost", async (tx) => {
      const lost = await audit().catch((thrown) => thrown);
      await sell(tx).catch(() => {});
      throw lost;
    });
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown", isLostConnection: true });
    expect([runs, await written("audit"), await written("sale")]).toEqual([1, 1, 0]);
    await keyToBeFree("both lost");
  });

  test("a collision there is thrown on", async () => {
    const { error, runs } = await failOnce(how, "lane collides", async (tx) => {
      await sell(tx);
      await audit();
      await collide();
    });
    expect(error).toMatchObject({ code: "SERIALIZATION_FAILURE", outcome: "rolled-back" });
    expect([runs, await written("audit"), await written("sale")]).toEqual([1, 1, 0]);
  });

  test("an error that the function makes of its own lost connection is thrown as it is", async () => {
    loseAnswers("sale");
    const made = new DebyError("DATABASE_UNAVAILABLE", "Made up", { outcome: "rolled-back", isLostConnection: true });
    const { error, runs } = await failOnce(how, "made up", async (tx) => {
      await sell(tx).catch(() => {
        throw made;
      });
    });
    expect(error).toBe(made);
    expect([runs, await written("sale")]).toEqual([1, 0]);
  });

  test("its own lost connection is no reason to give up", async () => {
    loseAnswers("sale");
    const { error, runs } = await failOnce(how, "own lost", sell);
    expect([error, runs, await written("sale")]).toEqual(["It did not fail, but gave []", 2, 1]);
  });

  test("a passed deadline there is not taken for the lease's end", async () => {
    await using limited = openOn(server, { leaseLimitMs: 8000, requestTimeoutMs: 10_000 });
    const { db } = limited;
    const work = () => db.with({ deadlineMs: 200 }).read`select pg_sleep(5)`;
    const done = how === "once" ? db.once("lane late", work) : db.transaction(work);
    const error = await done.catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect((error as DebyError).reason).not.toBe("LEASE_LIMIT");
  });
});
