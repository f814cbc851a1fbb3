import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { checksumsCheck } from "../../../../src/diagnostics/health/checksums.ts";
import { encryptionCheck } from "../../../../src/diagnostics/health/encryption.ts";
import { replicaLagCheck } from "../../../../src/diagnostics/health/replica-lag.ts";
import { HEALTH_CHECKS } from "../../../../src/diagnostics/health-checks.ts";
import { postgresBinaries, postgresVersions } from "../../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../../support/postgres-server.ts";
import { postgresUser } from "../../../support/postgres-user.ts";
import { runCommand } from "../../../support/run-command.ts";
import { ReplicatedPair } from "../../../support/standby.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { find, makeRoles, NOBODY, runAll, startHealthy } from "./health-server.ts";

describe.each([...postgresVersions])("Postgres %d", (version) => {
  test("a damaged page fails, by the database's name", async () => {
    await using server = await startHealthy(version);
    await server.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS id");
    const [file] = await server.psql<{ path: string }>("SELECT pg_relation_filepath('t') AS path");
    await keepChecksums(server);
    expect(await find(server, checksumsCheck)).toMatchObject({ status: "pass", evidence: "no page was ever damaged" });
    await server.stop();
    const page = openSync(join(server.dataDir, file?.path ?? ""), "r+");
    writeSync(page, "not what was written", 4_000);
    closeSync(page);
    await server.start();
    await expect(server.psql("SELECT count(*) FROM t")).rejects.toMatchObject({ code: "XX001" });
    const isCounted = async () => (await find(server, checksumsCheck)).status === "fail";
    await waitUntil("it is counted", isCounted);
    const result = await find(server, checksumsCheck);
    expect(result.evidence).toMatch(/^1 damaged page read in deby_ecommerce, the last at 20\d\d-/);
    expect(result.cause).toStartWith("Data of deby_ecommerce is damaged on disk.");
    expect(result.fix[0]?.command).toBe(`pg_amcheck -h 127.0.0.1 -p ${server.port} -U postgres -d deby_ecommerce`);
  });

  async function keepChecksums(server: PostgresServer): Promise<void> {
    const [row] = await server.psql("SHOW data_checksums");
    if (row?.["data_checksums"] === "on") return;
    await server.stop();
    const program = join(await postgresBinaries(version), "pg_checksums");
    await runCommand([...postgresUser().prefix, program, "--enable", "--no-sync", "-D", server.dataDir]);
    await server.start();
  }

  describe("with a standby", () => {
    let pair: ReplicatedPair;
    beforeAll(async () => {
      pair = await ReplicatedPair.start(version);
      await makeRoles(pair.primary);
      await pair.caughtUp();
    });
    afterAll(() => pair[Symbol.asyncDispose]());

    test("replicas that keep up pass, seen from both sides", async () => {
      const primary = await find(pair.primary, replicaLagCheck);
      expect(primary).toMatchObject({ status: "pass" });
      expect(primary.evidence).toMatch(/^standby is .* of WAL behind$/);
      const standby = await find(pair.standby, replicaLagCheck);
      expect(standby).toMatchObject({ status: "pass" });
      expect(standby.evidence).toBe("this standby is 0 bytes of WAL behind");
    });

    test("a role that may not look gets a skip", async () => {
      expect(await find(pair.primary, replicaLagCheck, { user: NOBODY })).toMatchObject({
        status: "skip",
        evidence: `how far 1 standby are behind is hidden; GRANT pg_monitor TO ${NOBODY} allows it`,
      });
    });

    test("every check can be asked of a standby", async () => {
      const results = await runAll(pair.standby, HEALTH_CHECKS);
      const unknown = results.filter(({ status }) => status === "unknown");
      expect(unknown.map(({ id, evidence }) => [id, evidence])).toEqual([]);
    });

    test("a replica that is behind is told on both sides", async () => {
      await pair.standby.psql("SELECT pg_wal_replay_pause()");
      await pair.primary.psql("CREATE TABLE late ()");
      for (const server of [pair.primary, pair.standby]) {
        const look = () => find(server, replicaLagCheck, { limits: { warn: 0.2, warnBytes: 1 } });
        await waitUntil("it is behind", async () => (await look()).status === "warn");
        const who = server === pair.primary ? "The standby standby" : "This standby";
        expect((await look()).cause).toMatch(
          new RegExp(`^${who} is .* of WAL behind\\. Its disk or the network is too slow`),
        );
      }
      await pair.standby.psql("SELECT pg_wal_replay_resume()");
    });
  });
});

const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && !each.internal && each.family === "IPv4")?.address;

test.skipIf(address === undefined)("a password that goes to another address without TLS is told", async () => {
  await using server = await startHealthy(18, { settings: { listen_addresses: "*" } });
  const result = await find(server, encryptionCheck, { host: address ?? "" });
  expect(result).toMatchObject({
    status: "warn",
    evidence: `no TLS to ${address} (sslmode disable, the server has it switched off)`,
  });
  expect(result.cause).toStartWith(`The password and the data go to ${address} without encryption.`);
  expect(await find(server, encryptionCheck)).toMatchObject({ status: "pass" });
  expect(await find(server, encryptionCheck, { host: server.socketDir })).toMatchObject({ status: "pass" });
});
