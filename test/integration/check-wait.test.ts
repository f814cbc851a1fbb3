import { beforeAll, describe, expect, test } from "bun:test";
import type { CheckReport } from "../../src/diagnostics/report-model.ts";
import { BlackHole } from "../support/black-hole.ts";
import { type DebyProcess, debyExecutable, spawnDeby } from "../support/executable.ts";
import { startPeer } from "../support/peers.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import type { PostgresServer } from "../support/postgres-server.ts";
import { ReplicatedPair } from "../support/standby.ts";
import { waitUntil } from "../support/wait-until.ts";
import { type Environment, environmentOf, resultOf } from "./check/run-check.ts";

/** What the contract promises between the database becoming usable and the end of the waiting. */
const NOTICED_WITHIN_MS = 300;
/** Of a busy machine, the end of a process and its start's news included. */
const SLACK_MS = 300;

function spawnWait(env: Environment, limit: string, ...flags: string[]): Promise<DebyProcess> {
  return spawnDeby(["check", "--wait", limit, "--json", ...flags], { env });
}

/** Milliseconds from now until deby has ended with 0. */
async function endsAfter(deby: DebyProcess): Promise<number> {
  const startedAt = performance.now();
  const { exitCode, stderr } = await deby.waitForExit(10_000);
  const tookMs = performance.now() - startedAt;
  expect(stderr).not.toBe("");
  expect(exitCode).toBe(0);
  return tookMs;
}

function reportOf({ stdout }: { readonly stdout: string }): CheckReport {
  return JSON.parse(stdout) as CheckReport;
}

/** As Docker's image initialises: on its Unix socket only. */
const SOCKET_ONLY = { listen_addresses: "" } as const;

beforeAll(async () => {
  await debyExecutable();
});

describe("deby check --wait", () => {
  test("ends at once with 0 where the database is usable", async () => {
    await using server = await startPostgres();
    await using deby = await spawnWait(environmentOf(server), "30s");
    const startedAt = performance.now();
    const { exitCode, stderr, stdout } = await deby.waitForExit(10_000);
    expect(exitCode).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(stderr).toBe("");
    expect(reportOf({ stdout }).checks.map(({ id }) => id)).toContain("tables");
  });

  test("reports what was asked for, whatever has to be looked at for that", async () => {
    await using server = await startPostgres();
    await using deby = await spawnWait(environmentOf(server), "10s", "--only", "query");
    const { exitCode, stdout } = await deby.waitForExit(5_000);
    expect(exitCode).toBe(0);
    expect(reportOf({ stdout }).checks.map(({ id }) => id)).toEqual(["query"]);
  });

  test("ends within 300 ms of the server's start, and tells once what it waits for", async () => {
    await using server = await startPostgres();
    await server.stop();
    await using deby = await spawnWait(environmentOf(server), "30s");
    await deby.waitForLine(/Waiting for the database: tcp: .*ECONNREFUSED/);
    await Bun.sleep(500);
    await server.start();
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
    const { stderr } = await deby.exited;
    expect(stderr.match(/ECONNREFUSED/g)).toHaveLength(1);
  });

  test("ends within 300 ms of a silent server's return", async () => {
    await using server = await startPostgres();
    await server.freeze();
    await using deby = await spawnWait(environmentOf(server), "30s", "--timeout", "500ms");
    await deby.waitForLine(/Waiting for the database: protocol: .*ETIMEDOUT/);
    server.thaw();
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("ends within 300 ms of a role being made", async () => {
    await using server = await startPostgres({ hba: "host all all all trust" });
    await using deby = await spawnWait(environmentOf(server, { PGUSER: "late" }), "30s");
    await deby.waitForLine(/Waiting for the database: auth: .*28000/);
    await server.psql("CREATE ROLE late LOGIN");
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("ends within 300 ms of a standby's promotion", async () => {
    await using pair = await ReplicatedPair.start(18);
    await using deby = await spawnWait(environmentOf(pair.standby), "30s");
    await deby.waitForLine(/Waiting for the database: role: a standby/);
    await pair.primary.stop();
    await pair.promote();
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("ends soon after a host that drops what is sent to it is back", async () => {
    const hole = await BlackHole.open();
    let isOpen = true;
    try {
      const env = { PGHOST: hole.host, PGPORT: String(hole.port), PGPASSWORD: "postgres" };
      await using deby = await spawnWait(env, "30s", "--timeout", "500ms");
      await deby.waitForLine(/Waiting for the database: tcp: .*ETIMEDOUT/);
      await hole[Symbol.asyncDispose]();
      isOpen = false;
      await deby.waitForLine(/Waiting for the database: tcp: .*ECONNREFUSED/, 1_500);
    } finally {
      if (isOpen) await hole[Symbol.asyncDispose]();
    }
  });

  test.each([
    ["where nothing listens", "tcp", "refuses connections"],
    ["at a mute port", "protocol", "never answers"],
  ])("ends with 1 at its limit %s, with the last cause", async (where, id, cause) => {
    await using peer = await startPeer("silent");
    const port = where === "at a mute port" ? peer.port : await freePort();
    const startedAt = performance.now();
    await using deby = await spawnWait({ PGHOST: "127.0.0.1", PGPORT: String(port) }, "1500ms");
    const { exitCode, stdout } = await deby.waitForExit(10_000);
    expect(exitCode).toBe(1);
    expect(performance.now() - startedAt).toBeWithin(1_400, 2_600);
    expect(resultOf(reportOf({ stdout }), id)).toMatchObject({ status: "fail" });
    expect(resultOf(reportOf({ stdout }), id).cause).toContain(cause);
  });

  test("ends with 1 at its limit where the password stays wrong", async () => {
    await using server = await startPostgres();
    await using deby = await spawnWait(environmentOf(server, { PGPASSWORD: "wrong-password" }), "1s");
    const { exitCode, stdout } = await deby.waitForExit(10_000);
    expect(exitCode).toBe(1);
    expect(resultOf(reportOf({ stdout }), "auth").cause).toContain("with the password from PGPASSWORD");
  });

  test("waits for no configuration to become valid", async () => {
    await using deby = await spawnWait({ DATABASE_URL: "postgres://u:a?b@h/d" }, "30s");
    expect((await deby.waitForExit(5_000)).exitCode).toBe(2);
  });

  test("gives way to SIGTERM", async () => {
    await using deby = await spawnWait({ PGHOST: "127.0.0.1", PGPORT: String(await freePort()) }, "30s");
    await deby.waitForLine(/Waiting/);
    deby.kill("SIGTERM");
    expect(await deby.waitForExit(2_000)).toMatchObject({ exitCode: 143, stdout: "" });
  });
});

describe("the temporary server of an image that is being initialised does not fool deby check --wait:", () => {
  /** Restarts as the real one. */
  async function becomeReal(server: PostgresServer, settings: Record<string, string>): Promise<void> {
    await server.stop();
    server.configure({ settings });
    await server.start();
  }

  test("one that listens on the Unix socket only, seen from outside", async () => {
    await using server = await startPostgres();
    await becomeReal(server, SOCKET_ONLY);
    await using deby = await spawnWait(environmentOf(server), "30s");
    await deby.waitForLine(/Waiting for the database: tcp: .*ECONNREFUSED/);
    await Bun.sleep(300);
    await becomeReal(server, { listen_addresses: "127.0.0.1" });
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("one that listens on the Unix socket only, seen on that socket", async () => {
    await using server = await startPostgres();
    await server.stop();
    await server.start(["-c", "listen_addresses="]);
    await using deby = await spawnWait(environmentOf(server, { PGHOST: server.socketDir }), "30s");
    await deby.waitForLine(/Waiting for the database: role: listen_addresses is empty by the command line/);
    await Bun.sleep(300);
    await server.stop();
    await server.start();
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("one that has neither the role nor the database yet", async () => {
    await using server = await startPostgres({ hba: "host all all all trust" });
    const env = environmentOf(server, { PGUSER: "app", PGDATABASE: "shop" });
    await using deby = await spawnWait(env, "30s");
    await deby.waitForLine(/Waiting for the database: auth: .*28000/);
    await server.psql("CREATE ROLE app LOGIN");
    await deby.waitForLine(/Waiting for the database: database: .*3D000/);
    await server.stop();
    await Bun.sleep(300);
    await server.start();
    await server.psql("CREATE DATABASE shop OWNER app");
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });

  test("one that is stopped as soon as it has let us in", async () => {
    await using server = await startPostgres({ settings: { log_connections: "on" } });
    await using deby = await spawnWait(environmentOf(server), "30s");
    await waitUntil("deby is let in", () => server.log.includes("application_name=deby-check"), { everyMs: 1 });
    await server.stop("immediate");
    await Bun.sleep(1_000);
    expect(deby.stdout).toBe("");
    await server.start();
    expect(await endsAfter(deby)).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
  });
});
