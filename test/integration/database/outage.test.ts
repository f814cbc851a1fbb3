import { describe, expect, test } from "bun:test";
import { hasOpenssl, makeCertificate } from "../../support/certificates.ts";
import { type OpenedDatabase, openOn, waitForSessions } from "../../support/database.ts";
import { startPostgres } from "../../support/postgres.ts";
import { postgresVersions } from "../../support/postgres-binaries.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { Workers, type WorkReport } from "../../support/workers.ts";

const TAKE_AWAY = {
  "stopped and started": (server: PostgresServer) => server.stop("fast"),
  "killed with SIGKILL and started": (server: PostgresServer) => server.kill9(),
} as const;

describe.each(postgresVersions)("PostgreSQL %i under load", (version) => {
  test.each(Object.entries(TAKE_AWAY))(
    "%s: reads and waiting writes only wait, no acknowledged write is missing",
    async (_, takeAway) => {
      await using server = await startPostgres({ version });
      await using opened = openOn(server);
      const report = await surviveOutages(opened, server, takeAway);
      expect(report).toMatchObject({ lost: [], wrongOutcome: [], readErrors: {} });
      // What was in flight when the server went may be unknown; nothing else may go wrong.
      expect(Object.keys(report.writeErrors).filter((code) => code !== "OUTCOME_UNKNOWN")).toEqual([]);
    },
    60_000,
  );
});

async function surviveOutages(
  { db }: OpenedDatabase,
  server: PostgresServer,
  takeAway: (server: PostgresServer) => Promise<void>,
): Promise<WorkReport> {
  await using workers = await Workers.start(db, 20);
  for (let outage = 0; outage < 3; outage++) {
    await workers.progress(50);
    await takeAway(server);
    await waitUntil("the loss is noticed", () => db.state().name === "reconnecting");
    await server.start();
    await workers.progress(50);
  }
  return await workers.finish(server);
}

test.skipIf(!hasOpenssl)(
  "over TLS, killed and started: nothing acknowledged is missing, and nothing is left unanswered",
  async () => {
    await using folder = makeTempFolder("tls");
    const { files } = await makeCertificate(folder, "localhost");
    await using server = await startPostgres();
    server.configure({ settings: { ssl: "on" }, files });
    await server.stop();
    await server.start();
    await using opened = openOn(server, {}, { sslmode: "require" });
    const report = await surviveOutages(opened, server, (running) => running.kill9());
    expect(report).toMatchObject({ lost: [], wrongOutcome: [], readErrors: {} });
  },
  60_000,
);

test("a frozen server is found out by the heartbeat, and everything goes on after the thaw", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { heartbeatIntervalMs: 500 });
  await waitUntil("it is up", () => opened.db.state().name === "up");
  await server.freeze();
  const frozenAt = performance.now();
  await waitUntil("the freeze is noticed", () => opened.db.state().name === "reconnecting");
  expect(performance.now() - frozenAt).toBeLessThan(500 + 5000);
  const held = opened.db.read<{ one: number }>`select 1 as one`;
  server.thaw();
  expect(await held).toEqual([{ one: 1 }]);
  expect(opened.states).toEqual(["up", "reconnecting", "up"]);
}, 30_000);

test("one terminated backend is replaced quietly: no outage, and nobody who waits notices", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server);
  const { db } = opened;
  let recoveries = 0;
  db.on("recovered", () => void recoveries++);
  await db.read`select 1`;
  await server.psql(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = 'deby' LIMIT 1",
  );
  const answers = await Promise.all(Array.from({ length: 30 }, () => db.query<{ one: number }>`select 1 as one`));
  expect(answers.every(([row]) => row?.one === 1)).toBe(true);
  expect(opened.states).not.toContain("reconnecting");
  expect(recoveries).toBe(0);
}, 30_000);

test("a password changed under live connections fails no request, and is noticed", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { retryIntervalMs: 300 });
  const { db } = opened;
  await Promise.all(Array.from({ length: 5 }, () => db.query`select pg_sleep(0.05)`));
  await server.psql("ALTER ROLE postgres PASSWORD 'another'");
  await server.psql(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = 'deby-probe'",
  );
  await waitUntil("the refusal is known", () => {
    const state = db.state();
    return state.name === "up" && state.reason?.code === "28P01";
  });
  const answers = await Promise.all(Array.from({ length: 30 }, () => db.query<{ one: number }>`select 1 as one`));
  expect(answers.every(([row]) => row?.one === 1)).toBe(true);
  expect(opened.states).not.toContain("blocked");
  await server.psql(`ALTER ROLE postgres PASSWORD '${server.password}'`);
  await waitUntil("it is over", () => {
    const state = db.state();
    return state.name === "up" && state.reason === undefined;
  });
}, 30_000);

test("a password changed, and then the last connection gone: requests are told at once, and served when it is right again", async () => {
  await using server = await startPostgres();
  await using opened = openOn(server, { retryIntervalMs: 500 });
  const { db } = opened;
  await waitUntil("the minimum is there", () => db.stats().idle === 2);
  await waitForSessions(server, "deby-probe", (count) => count === 1);
  await server.psql("alter role postgres password 'other'");
  // One more than there are, so that a connection is opened, and refused.
  await Promise.all([1, 2, 3].map(() => db.read`select pg_sleep(0.3)`));
  await waitUntil("the refusal is a warning", () => {
    const state = db.state();
    return state.name === "up" && state.reason?.code === "28P01";
  });
  expect(opened.states).not.toContain("blocked");
  // A connection whose session was changed is not used again.
  await Promise.all([1, 2].map(() => db.query`set work_mem = '8MB'`));
  await waitUntil("it is blocked", () => db.state().name === "blocked", { deadlineMs: 5000 });
  expect(await db.read`select 1`.catch((error) => error)).toMatchObject({
    code: "DATABASE_MISCONFIGURED",
    outcome: "not-executed",
    reason: "28P01",
  });
  await server.psql(`alter role postgres password '${server.password}'`);
  await waitUntil("it is up again", () => db.state().name === "up");
  expect(await db.read<{ one: number }>`select 1 as one`).toEqual([{ one: 1 }]);
}, 30_000);

test("slow logins do not turn a working database into an outage", async () => {
  await using server = await startPostgres({ settings: { pre_auth_delay: "3" } });
  await using opened = openOn(server, { connectTimeoutMs: 10_000 });
  const { db } = opened;
  await waitUntil("it is up", () => db.state().name === "up" && db.stats().idle >= 2, { deadlineMs: 15_000 });
  await server.psql(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = 'deby' LIMIT 1",
    { deadlineMs: 20_000 },
  );
  const probedInVain = () => {
    const state = db.state();
    return state.name === "up" && state.reason !== undefined;
  };
  await waitUntil("a probe was too slow", probedInVain, { deadlineMs: 5000 });
  expect(await db.with({ deadlineMs: 1000 }).query<{ one: number }>`select 1 as one`).toEqual([{ one: 1 }]);
  expect(opened.states).not.toContain("reconnecting");
}, 40_000);

test("a server that appears after deby is found without anybody's help", async () => {
  await using server = await startPostgres();
  await server.stop();
  await using opened = openOn(server);
  const held = opened.db.read<{ one: number }>`select 1 as one`;
  await waitUntil("the first attempt failed", () => "attempt" in opened.db.state() && "reason" in opened.db.state());
  await server.start();
  expect(await held).toEqual([{ one: 1 }]);
  expect(opened.states).toEqual(["up"]);
}, 30_000);
