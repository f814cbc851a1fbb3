import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { blockedSessionsCheck } from "../../../../src/diagnostics/health/blocked-sessions.ts";
import { connectionsCheck } from "../../../../src/diagnostics/health/connections.ts";
import { healthCheck } from "../../../../src/diagnostics/health/health-check.ts";
import { idleInTransactionCheck } from "../../../../src/diagnostics/health/idle-in-transaction.ts";
import { longQueryCheck } from "../../../../src/diagnostics/health/long-query.ts";
import { poolSizeCheck } from "../../../../src/diagnostics/health/pool-size.ts";
import { postgresVersions } from "../../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../../support/postgres-server.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { find, mend, NOBODY, openSession, runAll, startHealthy, statementsOf } from "./health-server.ts";

const GRANT = `psql -h 127.0.0.1 -p PORT -U postgres -d deby_ecommerce -c "GRANT pg_monitor TO ${NOBODY}"`;

describe.each([...postgresVersions])("Postgres %d", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startHealthy(version, { settings: { max_connections: "20" } });
    await server.psql(
      "CREATE TABLE accounts (id int PRIMARY KEY, secret text); INSERT INTO accounts VALUES (1); GRANT ALL ON accounts TO app",
    );
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const waitFor = (sessions: number) =>
    waitUntil(`${sessions} wait`, async () => {
      return (await server.psql("SELECT DISTINCT pid FROM pg_locks WHERE NOT granted")).length === sessions;
    });

  describe("blocked sessions", () => {
    const limits = { warn: 0, fail: 60 };

    test("are told with the blocker at the end of the queue, whom the command ends", async () => {
      await using blocker = await openSession(server);
      await using second = await openSession(server);
      await using third = await openSession(server);
      await blocker.run("begin; update accounts set secret = 'of no concern' where id = 1");
      const waits = [second.run("begin; update accounts set secret = 'x'")];
      await waitFor(1);
      waits.push(third.run("delete from accounts where id = 1"));
      await waitFor(2);
      const settled = Promise.allSettled(waits);
      const result = await find(server, blockedSessionsCheck, { limits });
      expect(result.status).toBe("warn");
      expect(result.cause).toStartWith(`pid ${blocker.pid} (app, idle in transaction for `);
      expect(result.cause).toContain("keeps 2 sessions waiting, the longest for ");
      expect(result.evidence).toContain(`is in the way: begin; update accounts set secret = '…' where id = 1`);
      expect(result.evidence).toContain(`pid ${second.pid} (app) waits`);
      expect(result.evidence).not.toContain("concern");
      expect(statementsOf(result)).toEqual([
        `SELECT pg_terminate_backend(${blocker.pid}) WHERE ${blocker.pid} = ANY (pg_blocking_pids(${second.pid}))`,
      ]);
      const unprivileged = await find(server, blockedSessionsCheck, { user: NOBODY, limits });
      expect(unprivileged.cause).toStartWith(`pid ${blocker.pid} (app) keeps 2 sessions waiting`);
      expect(await find(server, blockedSessionsCheck, { limits: { warn: 0, fail: 0 } })).toMatchObject({
        status: "fail",
      });

      expect(await mend(server, result)).toContain("(1 row)");
      await second.run("commit");
      await settled;
      // Once it is no longer in the way, the same command harms nobody.
      expect(await mend(server, result)).toContain("(0 rows)");
    });

    test("are no trouble while they wait for a moment only, nor when nobody waits", async () => {
      expect(await find(server, blockedSessionsCheck, { limits })).toMatchObject({ status: "pass" });
      await using blocker = await openSession(server);
      await using second = await openSession(server);
      await blocker.run("begin; lock accounts");
      const waits = second.run("table accounts");
      await waitFor(1);
      expect(await find(server, blockedSessionsCheck)).toMatchObject({ status: "pass" });
      await blocker.run("rollback");
      await waits;
    });

    test("are told of a prepared transaction that no session owns", async () => {
      await using blocker = await openSession(server);
      await using second = await openSession(server);
      await blocker.run("begin; lock accounts; prepare transaction 'lost'");
      const waits = second.run("table accounts");
      await waitFor(1);
      const result = await find(server, blockedSessionsCheck, { limits });
      expect(result.cause).toStartWith("A prepared transaction keeps 1 session waiting");
      expect(result.fix[0]?.command).toContain("pg_prepared_xacts");
      await blocker.run("rollback prepared 'lost'");
      await waits;
    });
  });

  describe("idle in transaction", () => {
    test("names the session, and ends it only while it is idle", async () => {
      await using idle = await openSession(server);
      await idle.run("begin; select 'private' as of_accounts");
      const result = await find(server, idleInTransactionCheck, { limits: { warn: 0, fail: 60 } });
      expect(result).toMatchObject({ status: "warn" });
      expect(result.evidence).toMatch(
        new RegExp(
          `^pid ${idle.pid} \\(app, held\\) is idle in transaction for 0\\.\\d s: begin; select '…' as of_accounts$`,
        ),
      );
      expect(result.cause).toStartWith(`pid ${idle.pid} (app, held) has done nothing in its open transaction for 0.`);
      await idle.run("rollback");
      expect(await mend(server, result)).toContain("(0 rows)");
      await idle.run("begin");
      expect(await mend(server, result)).toContain("(1 row)");
    });

    test("passes while nobody is for long", async () => {
      await using idle = await openSession(server);
      await idle.run("begin; select 1");
      expect(await find(server, idleInTransactionCheck)).toMatchObject({
        status: "pass",
        evidence: "1 session idle in transaction, none for long",
      });
    });

    test("is skipped for a role that may not look, with what to grant", async () => {
      await using idle = await openSession(server);
      await idle.run("begin; select 1");
      const result = await find(server, idleInTransactionCheck, { user: NOBODY, limits: { warn: 0 } });
      expect(result).toMatchObject({ status: "skip" });
      expect(result.evidence).toMatch(
        new RegExp(`^\\d sessions? of other roles cannot be looked at; GRANT pg_monitor TO ${NOBODY} allows it$`),
      );
      expect(result.fix[0]?.command).toBe(GRANT.replace("PORT", String(server.port)));
    });
  });

  describe("long queries", () => {
    test("are told by name, and the command cancels the very statement", async () => {
      await using busy = await openSession(server);
      const sleeping = busy.run("select pg_sleep(30)").then(
        () => "done",
        (error: { code: string }) => error.code,
      );
      await waitUntil("it is at work", async () => {
        return (
          (await server.psql(`SELECT 1 FROM pg_stat_activity WHERE pid = ${busy.pid} AND state = 'active'`)).length > 0
        );
      });
      const result = await find(server, longQueryCheck, { limits: { warn: 0, fail: 60 } });
      expect(result).toMatchObject({ status: "warn" });
      expect(result.evidence).toMatch(
        new RegExp(`^pid ${busy.pid} \\(app, held\\) is at work for 0\\.\\d s: select pg_sleep\\(30\\)$`),
      );
      expect(await find(server, longQueryCheck)).toMatchObject({ status: "pass" });
      expect(await mend(server, result)).toContain("(1 row)");
      expect(await sleeping).toBe("57014");
    });
  });

  describe("connections", () => {
    test("pass while there are enough", async () => {
      const result = await find(server, connectionsCheck);
      expect(result).toMatchObject({ status: "pass" });
      expect(result.evidence).toMatch(/^\d of 17 connections in use \(max_connections 20 less 3 reserved\)$/);
    });

    test("are told with those who hold them when they run out", async () => {
      const held = await Promise.all(Array.from({ length: 14 }, () => openSession(server)));
      try {
        const result = await find(server, connectionsCheck);
        expect(result).toMatchObject({ status: "warn" });
        expect(result.evidence).toContain("14 by app (held)");
        expect(result.cause).toMatch(/^8\d % of the connections are in use, most of them 14 by app \(held\)\./);
        expect(await find(server, connectionsCheck, { limits: { fail: 0.8 } })).toMatchObject({ status: "fail" });
      } finally {
        await Promise.all(held.map((session) => session[Symbol.asyncDispose]()));
        const left = () => server.psql("SELECT FROM pg_stat_activity WHERE application_name = 'held'");
        await waitUntil("their sessions have ended", async () => (await left()).length === 0);
      }
    });

    test("are measured by the role's own limit where that is tighter", async () => {
      await server.psql("ALTER ROLE app CONNECTION LIMIT 2");
      try {
        await using _held = await openSession(server);
        expect((await find(server, connectionsCheck)).evidence).toContain(
          "1 of 2 connections in use (the limit of role app)",
        );
      } finally {
        await server.psql("ALTER ROLE app CONNECTION LIMIT -1");
      }
    });
  });

  test("the pools of all instances are held against the server's connections", async () => {
    const asked = (instances: number, poolMax: number) =>
      find(server, poolSizeCheck, { subject: { instances, poolMax } });
    expect(await asked(1, 10)).toMatchObject({
      status: "pass",
      evidence: "1 instance with pool-max 10 and 2 probes may open 12 of 17 connections",
    });
    const tooMany = await asked(2, 10);
    expect(tooMany).toMatchObject({ status: "fail" });
    expect(tooMany.cause).toStartWith("Under full load deby alone takes 141 % of the connections");
    expect(tooMany.fix[0]).toEqual({ os: "any", command: "deby serve --pool-max 4" });
    expect(await asked(2, 4)).toMatchObject({ status: "pass" });
    expect(await asked(2, 5)).toMatchObject({ status: "warn" });
  });

  const slow = healthCheck({
    ...{ id: "slow", title: "Slow", worst: "fail", limits: {}, unit: "found", about: "A test." },
    look: ({ ask }) => ask("select pg_sleep(30)"),
    judge: () => ({ status: "pass", evidence: "" }),
  });

  test("every question is put in a read-only transaction that neither works nor waits for long", async () => {
    const limits = ["transaction_read_only", "statement_timeout", "lock_timeout"];
    const probe = healthCheck<readonly { all: string }[]>({
      ...{ id: "probe", title: "Probe", worst: "fail", limits: {}, unit: "found", about: "A test." },
      look: ({ ask }) => ask(`select ${limits.map((name) => `current_setting('${name}')`).join(" || ' ' || ")} as all`),
      judge: ([row]) => ({ status: "pass", evidence: row?.all ?? "" }),
    });
    expect(await find(server, probe)).toMatchObject({ evidence: "on 2s 100ms" });
  });

  test("the server gives up a question before its deadline, and the next one is asked", async () => {
    const [first, second] = await runAll(server, [slow, connectionsCheck], { timeoutMs: 2000 });
    expect(first).toMatchObject({
      status: "unknown",
      evidence: "canceling statement due to statement timeout (57014)",
    });
    expect(first?.ms).toBeLessThan(2000);
    expect(second).toMatchObject({ status: "pass" });
  });

  test("when the connection is lost the check at that moment is unknown, and those after it are skipped", async () => {
    const ended = waitUntil("it is ended", async () => {
      const sql =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND usename = 'app'";
      return (await server.psql(sql)).length > 0;
    });
    const [first, second] = await runAll(server, [slow, connectionsCheck]);
    await ended;
    expect(first).toMatchObject({ status: "unknown" });
    expect(first?.evidence).toMatch(/57P01|CONNECTION_CLOSED/);
    expect(second).toMatchObject({ status: "skip", evidence: "not tried, since the connection was lost" });
  });
});
