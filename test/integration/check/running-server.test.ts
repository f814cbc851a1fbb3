import { expect, test } from "bun:test";
import type { CheckReport } from "../../../src/diagnostics/report-model.ts";
import { startPostgres } from "../../support/postgres.ts";
import { postgresEnvironment, type ServedDeby, startServe } from "../../support/serve.ts";
import { checkJson, resultOf } from "./run-check.ts";

const EAGER = ["--retry-delays", "50ms", "--retry-attempts", "2", "--retry-interval", "200ms"];

async function reportOf(deby: ServedDeby, init?: RequestInit): Promise<CheckReport> {
  const answer = await deby.fetch("/api/check", init);
  expect(answer.status).toBe(200);
  return (await answer.json()) as CheckReport;
}

/** What has to be the same, whoever has asked. */
function essence({ schema, target, tables, checks }: CheckReport) {
  const { settings: _, ...where } = target;
  return {
    schema,
    where,
    tables,
    checks: checks.map(({ id, title, status, cause }) => ({ id, title, status, cause })),
  };
}

test("GET /api/check gives what deby check --json prints of the same database, up and away", async () => {
  await using server = await startPostgres();
  await server.psql("CREATE TABLE product (id int primary key)");
  await using deby = await startServe(server, { args: EAGER });
  const env = postgresEnvironment(server);
  expect(essence(await reportOf(deby))).toEqual(essence((await checkJson({ env })).report));

  await server.stop();
  await deby.waitForState("down");
  const away = await reportOf(deby);
  expect(resultOf(away, "tcp")).toMatchObject({
    status: "fail",
    cause: expect.stringContaining("refuses connections"),
  });
  expect(essence(away)).toEqual(essence((await checkJson({ env })).report));
});

test("GET /api/check is one examination for all who ask at the same time, and none for strangers", async () => {
  await using server = await startPostgres({ settings: { log_connections: "on" } });
  const token = "an-admin-token";
  await using deby = await startServe(server, { env: { DEBY_ADMIN_TOKEN: token } });
  const examinations = () => server.log.match(/application_name=deby-check/g)?.length ?? 0;
  expect((await deby.fetch("/api/check")).status).toBe(401);
  expect(examinations()).toBe(0);
  const init = { headers: { authorization: `Bearer ${token}` } };
  const reports = await Promise.all(Array.from({ length: 20 }, () => reportOf(deby, init)));
  expect(new Set(reports.map((report) => JSON.stringify(report))).size).toBeLessThanOrEqual(2);
  expect(examinations()).toBeLessThanOrEqual(2);
});

test("the server's log names the cause and the first thing to do when it goes down or is blocked", async () => {
  await using server = await startPostgres();
  await using deby = await startServe(server, { args: EAGER });
  await server.stop();
  const down = await deby.process.waitForLine(/Not reconnected, trying every 200ms\. .*/, 20_000);
  expect(down[0]).toContain(`${server.host}:${server.port} refuses connections. PostgreSQL is not running there`);
  await deby.process.waitForLine(/First: sudo systemctl start postgresql\. `deby check` tells more/);

  await server.start();
  await deby.waitForState("up");
  await server.psql("ALTER ROLE postgres PASSWORD 'another-one'");
  await server.psql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('deby', 'deby-probe')",
  );
  const blocked = await deby.process.waitForLine(/The server refuses us: .*/, 20_000);
  expect(blocked[0]).toContain("The server refuses postgres with the password from POSTGRES_PASSWORD");
  await deby.process.waitForLine(/First: sudo -u postgres psql .*ALTER USER postgres WITH PASSWORD/);
});
