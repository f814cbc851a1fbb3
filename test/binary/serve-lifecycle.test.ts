import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitForSessions } from "../support/database.ts";
import { runDeby, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import { oldestPostgres } from "../support/postgres-binaries.ts";
import { postgresEnvironment, startServe } from "../support/serve.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const START_SEQUENCE = [
  /Connecting to PostgreSQL \(127\.0\.0\.1:\d+\/deby_ecommerce\)/,
  new RegExp(`Connection established: PostgreSQL ${oldestPostgres}\\.\\d+, \\d+ ms`),
  /Database: deby_ecommerce/,
  /Schema ready/,
  /Heartbeat started, every 30s/,
  /Server running on port \d+/,
  /API: http:\/\/127\.0\.0\.1:\d+/,
  /Database: PostgreSQL, auto-reconnect enabled/,
  /All systems operational/,
];

test("prints the start sequence in order, with the database from POSTGRES_* in .env, and from DATABASE_URL", async () => {
  await using server = await startPostgres({ version: oldestPostgres, password: "p@ss w/o?rd#%" });
  const files = [
    Object.entries(postgresEnvironment(server))
      .map(([name, value]) => `${name}='${value}'`)
      .join("\n"),
    `DATABASE_URL=${server.url}`,
  ];
  for (const text of files) {
    await using folder = makeTempFolder("dotenv");
    writeFileSync(join(folder.path, ".env"), text);
    const port = await freePort();
    await using deby = await spawnDeby(["serve", "--canary", "--port", String(port)], { cwd: folder.path });
    await deby.waitForLine(/All systems operational/);
    let next = 0;
    for (const line of deby.lines) if (START_SEQUENCE[next]?.test(line)) next += 1;
    expect(START_SEQUENCE[next]).toBeUndefined();
    expect(deby.lines.join("\n")).not.toContain("rd#%");
    expect(deby.stdout).toBe("");
    deby.kill("SIGTERM");
    expect((await deby.waitForExit()).exitCode).toBe(0);
  }
}, 60_000);

test("SIGTERM with 20 slow requests in flight: all finish, exit 0, no session is left", async () => {
  await using server = await startPostgres();
  await using folder = makeTempFolder("routes");
  const routes = join(folder.path, "slow.ts");
  writeFileSync(
    routes,
    `export default ({ app, db }) => app.get("/slow", async () => {
       await db.query\`select pg_sleep(4)\`;
       return (await db.query\`select 'done' as word\`)[0];
     });`,
  );
  await using deby = await startServe(server, { args: ["--routes", routes] });
  const answers = Array.from({ length: 20 }, () => deby.fetch("/slow"));
  await waitUntil("all 20 sleep", async () => {
    const sleeping = "select pid from pg_stat_activity where state = 'active' and query = 'select pg_sleep(4)'";
    return (await server.psql(sleeping)).length === 20;
  });
  deby.process.kill("SIGTERM");
  const bodies = await Promise.all(answers.map(async (answer) => (await answer).json()));
  expect(bodies).toEqual(Array.from({ length: 20 }, () => ({ word: "done" })));
  const result = await deby.process.waitForExit();
  expect(result.exitCode).toBe(0);
  expect(result.stderr).toMatch(
    /SIGTERM received[\s\S]*20 requests in flight[\s\S]*Heartbeat stopped[\s\S]*Connections closed[\s\S]*Bye/,
  );
  await waitForSessions(server, "deby", (count) => count === 0);
  await waitForSessions(server, "deby-probe", (count) => count === 0);
}, 30_000);

test("SIGTERM while Postgres is down: held requests get their 503 and it exits 0 within 2 s", async () => {
  await using server = await startPostgres();
  await using deby = await startServe(server);
  await server.stop();
  await deby.waitForState("reconnecting");
  const held = Array.from({ length: 10 }, () => deby.fetch("/api/tables"));
  await waitUntil("they are held", () => deby.process.lines.some((line) => line.includes("attempt 1/5 failed")));
  await Bun.sleep(200);
  const killedAt = performance.now();
  deby.process.kill("SIGTERM");
  const answers = await Promise.all(held);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503));
  expect(await Promise.all(answers.map(async (answer) => ((await answer.json()) as { code: string }).code))).toEqual(
    Array.from({ length: 10 }, () => "SHUTTING_DOWN"),
  );
  expect((await deby.process.waitForExit()).exitCode).toBe(0);
  expect(performance.now() - killedAt).toBeLessThan(2000);
}, 30_000);

test("SIGTERM while the server's address is a black hole exits 0 within 2 s as well", async () => {
  await using server = await startPostgres();
  await using deby = await startServe(server, { args: ["--heartbeat-interval", "1s", "--heartbeat-timeout", "1s"] });
  await server.freeze();
  await deby.waitForState("reconnecting");
  const killedAt = performance.now();
  deby.process.kill("SIGTERM");
  expect((await deby.process.waitForExit()).exitCode).toBe(0);
  expect(performance.now() - killedAt).toBeLessThan(2000);
}, 30_000);

test("a second signal ends it at once, with 143 for SIGTERM", async () => {
  await using server = await startPostgres();
  await using folder = makeTempFolder("routes");
  const routes = join(folder.path, "slow.ts");
  writeFileSync(routes, "export default ({ app, db }) => app.get('/slow', () => db.query`select pg_sleep(20)`);");
  await using deby = await startServe(server, { args: ["--routes", routes] });
  const cut = deby.fetch("/slow").catch((error) => error);
  await waitUntil("the statement runs", async () => {
    const [row] = await server.psql<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND application_name = 'deby' AND state = 'active'",
    );
    return row?.count === 1;
  });
  deby.process.kill("SIGTERM");
  await deby.process.waitForLine(/1 request in flight/);
  deby.process.kill("SIGTERM");
  expect((await deby.process.waitForExit(2000)).exitCode).toBe(143);
  await cut;
}, 30_000);

test("a taken port is explained, with exit 3", async () => {
  await using server = await startPostgres();
  await using first = await startServe(server);
  const port = new URL(first.url).port;
  const second = await runDeby(["serve", "--port", port], { env: postgresEnvironment(server) });
  expect(second.exitCode).toBe(3);
  expect(second.stderr).toContain(port);
  expect(second.stderr).toContain("--port");
}, 30_000);

test("bad configuration is refused with exit 2, each problem with its name, rule and value", async () => {
  const result = await runDeby(["serve", "--pool-mx", "3"], { env: {} });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("did you mean --pool-max?");
  const values = await runDeby(["serve", "--pool-min", "30", "--idle-timeout", "10"], {
    env: { DEBY_RETRY_ATEMPTS: "3" },
  });
  expect(values.exitCode).toBe(2);
  for (const word of ["pool-min", "30", "idle-timeout", "10s", "DEBY_RETRY_ATEMPTS"])
    expect(values.stderr).toContain(word);
  expect(values.stdout).toBe("");
});

test("SIGTERM while the routes file waits for a database that is not there exits 0 within 2 s", async () => {
  await using folder = makeTempFolder("routes");
  const routes = join(folder.path, "waits.ts");
  writeFileSync(routes, "export default async ({ app, db }) => { await db.query`select 1`; return app; };");
  const at = ["--db-host", "127.0.0.1", "--db-port", String(await freePort())];
  await using deby = await spawnDeby(["serve", "--port", "0", "--routes", routes, ...at], { cwd: folder.path });
  await deby.waitForLine(/attempt 1\/5 failed/);
  const killedAt = performance.now();
  deby.kill("SIGTERM");
  const { exitCode, stderr } = await deby.waitForExit();
  expect(performance.now() - killedAt).toBeLessThan(2000);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/SIGTERM received, the start is given up[\s\S]*Bye/);
}, 30_000);
