import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CHECKS } from "../../../../src/diagnostics/checks.ts";
import { archiverCheck } from "../../../../src/diagnostics/health/archiver.ts";
import { crashSafetyCheck } from "../../../../src/diagnostics/health/crash-safety.ts";
import { deadlocksCheck } from "../../../../src/diagnostics/health/deadlocks.ts";
import { extensionsCheck } from "../../../../src/diagnostics/health/extensions.ts";
import { md5PasswordsCheck } from "../../../../src/diagnostics/health/md5-passwords.ts";
import { monitorRoleCheck } from "../../../../src/diagnostics/health/monitor-role.ts";
import { preparedTransactionsCheck } from "../../../../src/diagnostics/health/prepared-transactions.ts";
import { replicationSlotsCheck } from "../../../../src/diagnostics/health/replication-slots.ts";
import { superuserCheck } from "../../../../src/diagnostics/health/superuser.ts";
import { synchronousCommitCheck } from "../../../../src/diagnostics/health/synchronous-commit.ts";
import { timeoutsCheck } from "../../../../src/diagnostics/health/timeouts.ts";
import { wraparoundCheck } from "../../../../src/diagnostics/health/wraparound.ts";
import { HEALTH_CHECKS } from "../../../../src/diagnostics/health-checks.ts";
import { postgresVersions } from "../../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../../support/postgres-server.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { find, mend, NOBODY, openSession, runAll, startHealthy, statementsOf } from "./health-server.ts";

describe.each([...postgresVersions])("Postgres %d", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startHealthy(version);
    // What it has archived by now tells that it can.
    await server.psql("SELECT pg_switch_wal()");
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("a healthy server passes every check", async () => {
    const results = await runAll(server, HEALTH_CHECKS);
    const wrong = results.filter(({ status }) => status !== "pass");
    expect(wrong.map(({ id, status, evidence }) => [id, status, evidence])).toEqual([
      ["md5-passwords", "skip", "only a superuser may read how passwords are kept"],
    ]);
    const [asSuperuser] = (await runAll(server, [md5PasswordsCheck], { user: "postgres" })).map(({ status }) => status);
    expect(asSuperuser).toBe("pass");
  });

  test("one connection is enough for all checks", async () => {
    await server.psql("ALTER ROLE app CONNECTION LIMIT 1");
    const results = await runAll(server, CHECKS);
    expect(results.filter(({ status }) => status === "unknown")).toEqual([]);
    expect(results.filter(({ status }) => status === "fail").map(({ id }) => id)).toEqual(["pool-size"]);
    await server.psql("ALTER ROLE app CONNECTION LIMIT -1");
  });

  test("a role without rights gets skips with what to grant, and nothing that is unknown", async () => {
    await server.psql("CREATE SCHEMA secret CREATE TABLE t (id serial)");
    await using held = await openSession(server);
    await held.run("begin; select 1");
    const results = await runAll(server, HEALTH_CHECKS, { user: NOBODY });
    const odd = results.filter(({ status }) => status !== "pass");
    expect(Object.fromEntries(odd.map((result) => [`${result.id} ${result.status}`, statementsOf(result)]))).toEqual({
      "idle-in-transaction skip": [`GRANT pg_monitor TO ${NOBODY}`],
      "long-query skip": [`GRANT pg_monitor TO ${NOBODY}`],
      "sequences skip": [`GRANT SELECT ON ALL SEQUENCES IN SCHEMA secret TO ${NOBODY}`],
      "md5-passwords skip": ["SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'md5%' ORDER BY rolname"],
      "monitor-role warn": [`GRANT pg_monitor TO ${NOBODY}`],
    });
    await server.psql("DROP SCHEMA secret CASCADE");
  });

  test("missing rights are told by what is lost, and granted by the command", async () => {
    const result = await find(server, monitorRoleCheck, { user: NOBODY });
    expect(result).toMatchObject({ status: "warn" });
    expect(result.cause).toContain("It does not see what other roles' sessions do");
    await mend(server, result);
    expect(await find(server, monitorRoleCheck, { user: NOBODY })).toMatchObject({ status: "pass" });
    await server.psql(`REVOKE pg_monitor FROM ${NOBODY}`);
  });

  test("an inactive replication slot is told with the WAL that it keeps, after a while where that is known", async () => {
    await server.psql("SELECT pg_create_physical_replication_slot('gone', true)");
    const early = await find(server, replicationSlotsCheck);
    expect(early.status).toBe(version >= 17 ? "pass" : "warn");
    const result = await find(server, replicationSlotsCheck, { limits: { warn: 0 } });
    expect(result).toMatchObject({ status: "warn" });
    expect(result.evidence).toMatch(/^gone is inactive( for \d\.\d s)?, and keeps [\d.]+ \w+ of WAL$/);
    // What the command shows is all that it does: dropping a slot cannot be undone.
    expect(await mend(server, result)).toContain("(1 row)");
    expect(result.cause).toEndWith("SELECT pg_drop_replication_slot('gone') lets go of the WAL");
    await server.psql("SELECT pg_drop_replication_slot('gone')");
    expect(await find(server, replicationSlotsCheck)).toMatchObject({ status: "pass", evidence: "there are no slots" });
  });

  test("a lost replication slot fails", async () => {
    await server.psql("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    await server.reload();
    await server.psql("SELECT pg_create_physical_replication_slot('late', true)");
    // Each switch ends a segment of 16 MB; the checkpoint removes what the slot may no longer keep.
    for (let segment = 0; segment < 3; segment += 1) {
      await server.psql("CREATE TABLE filler (); SELECT pg_switch_wal()");
      await server.psql("DROP TABLE filler; CHECKPOINT");
    }
    const result = await find(server, replicationSlotsCheck);
    expect(result).toMatchObject({ status: "fail", evidence: "late is lost" });
    expect(result.cause).toStartWith("The replication slot late is lost.");
    await mend(server, result);
    await server.psql("ALTER SYSTEM RESET max_slot_wal_keep_size");
    await server.reload();
    expect(await find(server, replicationSlotsCheck)).toMatchObject({ status: "pass" });
  });

  test("a forgotten prepared transaction is told, and not ended by anybody who does not know how", async () => {
    await using session = await openSession(server);
    await session.run("begin; create table never (); prepare transaction 'it''s \"odd\"'");
    expect(await find(server, preparedTransactionsCheck)).toMatchObject({ status: "pass" });
    const result = await find(server, preparedTransactionsCheck, { limits: { warn: 0 } });
    expect(result).toMatchObject({ status: "warn" });
    expect(result.evidence).toMatch(/^it's "odd" of app in deby_ecommerce is prepared since \d+(\.\d)? s$/);
    expect(await mend(server, result)).toContain("(1 row)");
    const [rollback = ""] = /ROLLBACK PREPARED '.*'(?= that)/.exec(result.cause ?? "") ?? [];
    await server.psql(rollback);
    expect(await find(server, preparedTransactionsCheck)).toMatchObject({ evidence: "no transaction is prepared" });
  });

  test("a deadlock is told", async () => {
    await server.psql("SELECT pg_stat_reset()");
    expect(await find(server, deadlocksCheck)).toMatchObject({ status: "pass" });
    await server.psql("CREATE TABLE pair (id int); INSERT INTO pair VALUES (1), (2); GRANT ALL ON pair TO app");
    await using one = await openSession(server);
    await using other = await openSession(server, "postgres");
    await other.run("set deadlock_timeout = 10; begin; update pair set id = id where id = 2");
    await one.run("begin; update pair set id = id where id = 1");
    const waits = one.run("update pair set id = id where id = 2");
    // Who waits looks for a deadlock once.
    const isWaiting = async () => (await server.psql("SELECT FROM pg_locks WHERE NOT granted")).length > 0;
    await waitUntil("one waits", isWaiting);
    await expect(other.run("update pair set id = id where id = 1")).rejects.toMatchObject({ code: "40P01" });
    // Otherwise a session keeps its counts to itself for ten seconds.
    await other.run("rollback; select pg_stat_force_next_flush()");
    await waits;
    await one.run("rollback");
    const counted = async () => (await find(server, deadlocksCheck)).status === "warn";
    await waitUntil("it is counted", counted);
    expect((await find(server, deadlocksCheck)).cause).toStartWith("1 transaction was undone in the last ");
  });

  test("an archive that takes no WAL fails, until it does", async () => {
    expect(await find(server, archiverCheck)).toMatchObject({ status: "pass" });
    await server.psql("ALTER SYSTEM SET archive_command = '/bin/false'");
    await server.reload();
    await server.psql("CREATE TABLE filler (); SELECT pg_switch_wal()");
    const failing = async () => (await find(server, archiverCheck)).status === "fail";
    await waitUntil("archiving fails", failing);
    const result = await find(server, archiverCheck);
    expect(result.evidence).toMatch(/^[0-9A-F]{24} could not be archived at .*\n\d+ failures? so far$/);
    expect(await mend(server, result)).toMatch(/archive_command +\| \/bin\/false/);
    await server.psql("ALTER SYSTEM RESET archive_command; ");
    await server.reload();
  });

  test("fsync and full_page_writes off are told, and switched on by the commands", async () => {
    await server.psql("ALTER SYSTEM SET fsync = off");
    await server.psql("ALTER SYSTEM SET full_page_writes = off");
    await server.reload();
    const result = await find(server, crashSafetyCheck);
    expect(result).toMatchObject({ status: "warn", evidence: "fsync is off\nfull_page_writes is off" });
    await mend(server, result);
    const isMended = async () => (await find(server, crashSafetyCheck)).status === "pass";
    await waitUntil("they are on", isMended);
  });

  test.each(["ALTER ROLE app", "ALTER DATABASE deby_ecommerce", "ALTER ROLE app IN DATABASE deby_ecommerce"])(
    "synchronous_commit off is told, and reset where it was set: %s",
    async (where) => {
      expect(await find(server, synchronousCommitCheck)).toMatchObject({ status: "pass" });
      await server.psql(`${where} SET synchronous_commit = off`);
      const result = await find(server, synchronousCommitCheck);
      expect(result).toMatchObject({ status: "warn" });
      expect(statementsOf(result)).toEqual([`${where} RESET synchronous_commit`]);
      await mend(server, result);
      expect(await find(server, synchronousCommitCheck)).toMatchObject({ status: "pass" });
    },
  );

  test("timeouts that are not set are told, and set for the role by the commands", async () => {
    await server.psql("ALTER DATABASE deby_ecommerce SET statement_timeout = 0");
    await server.psql("ALTER DATABASE deby_ecommerce SET idle_in_transaction_session_timeout = 0");
    const result = await find(server, timeoutsCheck);
    expect(result).toMatchObject({
      status: "warn",
      evidence: "statement_timeout is not set for app\nidle_in_transaction_session_timeout is not set for app",
    });
    await mend(server, result);
    expect(await find(server, timeoutsCheck)).toMatchObject({
      status: "pass",
      evidence: "idle_in_transaction_session_timeout is 300 s, statement_timeout is 300 s",
    });
    await server.psql("ALTER ROLE app IN DATABASE deby_ecommerce RESET ALL; ALTER DATABASE deby_ecommerce RESET ALL");
  });

  test("a superuser as the application's role is told, and the command makes another, who can log in", async () => {
    await server.psql("ALTER ROLE app SUPERUSER");
    const result = await find(server, superuserCheck);
    expect(result).toMatchObject({ status: "warn", evidence: "app is a superuser" });
    expect(statementsOf(result).slice(0, 2)).toEqual(["CREATE ROLE app_user LOGIN", "\\password app_user"]);
    await mend(server, result);
    expect(await find(server, superuserCheck, { user: "app_user" })).toMatchObject({ status: "pass" });
    await server.psql("ALTER ROLE app NOSUPERUSER");
  });

  test("passwords kept as MD5 are told to those who may know", async () => {
    await server.psql("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'x'");
    const result = await find(server, md5PasswordsCheck, { user: "postgres" });
    expect(result).toMatchObject({ status: "warn", evidence: "the password of old is kept as MD5" });
    await mend(server, result);
    expect(await find(server, md5PasswordsCheck, { user: "postgres" })).toMatchObject({ status: "pass" });
  });

  test("an extension that is older than its files is told", async () => {
    await server.psql("UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'");
    const result = await find(server, extensionsCheck);
    expect(result).toMatchObject({ status: "warn", evidence: "plpgsql is 0.9, 1.0 is there" });
    expect(statementsOf(result)).toEqual(["ALTER EXTENSION plpgsql UPDATE"]);
    await server.psql("UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'");
    expect(await find(server, extensionsCheck)).toMatchObject({ status: "pass" });
  });

  test("the age of transaction ids is read, with what holds it back", async () => {
    expect(await find(server, wraparoundCheck)).toMatchObject({ status: "pass" });
    const result = await find(server, wraparoundCheck, { limits: { warn: 0 } });
    expect(result.cause).toMatch(/^The database \w+ has used 0 M of 2,147 M transactions\./);
    await mend(server, result);
  });
});
