import { expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { sleep, systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { runExperiment } from "../../../src/outage/experiment.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { findScenario } from "../../../src/outage/scenarios/all.ts";
import type { Demoter, Target } from "../../../src/outage/target.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";

const SETTINGS = {
  warmupMs: 400,
  outageMs: 400,
  settleMs: 1_000,
  steadyForMs: 200,
  ratePerSecond: 20,
  writeShare: 0.5,
  requestTimeoutMs: 1_000,
};

const USER = "app";

/** The command that heals takes so long before it does its work, and so long after it until it returns. */
const [BEGINS_AFTER_MS, RETURNS_AFTER_MS] = [300, 2_000];

/** A server under test that is content with everything: what the database's own probe sees is what counts here. */
function startContentServer() {
  const fetch = () => Response.json({ status: "ok" });
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
}

function demoterOf(postgres: PostgresServer): Demoter {
  const isStandby = async () =>
    (await postgres.psql<{ is: boolean }>("select pg_is_in_recovery() as is"))[0]?.is ?? false;
  return {
    async demote() {
      await postgres.stop("fast");
      postgres.configure({ files: { "standby.signal": "" } });
      await postgres.start();
    },
    async promote() {
      await postgres.psql("select pg_promote()");
    },
    isStandby,
  };
}

function targetOf(postgres: PostgresServer, traffic: FaultProxy): Target {
  const { host, port, database } = postgres;
  return {
    kind: "process",
    description: "a Postgres of the test",
    endpoint: { host, port, user: USER, database, password: new Secret(USER) },
    server: {
      stop: () => postgres.stop("fast"),
      start: () => postgres.start(),
      isRunning: async () => postgres.isRunning,
      kill: undefined,
      freezer: undefined,
      demoter: demoterOf(postgres),
    },
    async sql(...statements) {
      let last = "";
      for (const statement of statements) {
        last = (await postgres.psql<Record<string, unknown>>(statement))
          .flatMap((row) => Object.values(row))
          .join("\n");
      }
      return last;
    },
    traffic,
    readLog: async () => postgres.log,
  };
}

test.each([
  ["read-only", true],
  ["wrong-password", true],
  ["latency", false],
  ["terminate-backends", false],
] as const)(
  "%s: the database is ready when sessions are of use again, not when healing returns",
  async (name, isUseless) => {
    await using postgres = await startPostgres();
    await postgres.psql(`create role ${USER} superuser login password '${USER}'`);
    await using traffic = await FaultProxy.listen({ target: { host: postgres.host, port: postgres.port } });
    const target = targetOf(postgres, traffic);
    const { endpoint } = target;
    const database = name === "latency" ? { ...endpoint, host: traffic.host, port: traffic.port } : endpoint;
    await using server = startContentServer();
    const fault = findScenario(name).bind(target);
    if (fault === undefined) throw new Error(`${name} is not possible`);
    const done = { beginsAt: Number.NaN, returnsAt: Number.NaN };
    const { signal } = new AbortController();
    const { moments } = await runExperiment(SETTINGS, {
      server: { host: "127.0.0.1", port: server.port ?? 0 },
      database,
      fault: {
        ...fault,
        // Nobody has a session here that could be ended.
        ...(name === "terminate-backends" ? { contradiction: async () => undefined } : {}),
        async heal() {
          await sleep(systemClock, BEGINS_AFTER_MS);
          done.beginsAt = systemClock.now();
          await fault.heal();
          await sleep(systemClock, RETURNS_AFTER_MS);
          done.returnsAt = systemClock.now();
        },
      },
      clock: systemClock,
      random: seededRandom(1),
      interruption: { signal, hurry: signal },
      progress: { phase() {} },
    });
    const { healedAt = Number.NaN, dbReadyAt = Number.NaN } = moments;
    expect(dbReadyAt).toBeGreaterThan(isUseless ? done.beginsAt : healedAt);
    expect(dbReadyAt).toBeLessThan(done.returnsAt);
  },
  30_000,
);
