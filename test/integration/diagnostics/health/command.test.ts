import { expect, test } from "bun:test";
import { TABLE } from "../../../../src/diagnostics/health/table.ts";
import type { CheckReport } from "../../../../src/diagnostics/report-model.ts";
import { runDeby } from "../../../support/executable.ts";
import { APP, mend, openSession, PASSWORD, startHealthy } from "./health-server.ts";

test("deby check ends with 1 while a health check fails, and with 0 once its command was run", async () => {
  await using server = await startHealthy(18);
  const env = { PGHOST: server.host, PGPORT: String(server.port), PGDATABASE: server.database, PGUSER: APP };
  const check = async () => {
    const { exitCode, stdout } = await runDeby(["check", "--json"], { env: { ...env, PGPASSWORD: PASSWORD } });
    const report = JSON.parse(stdout) as CheckReport;
    const found = report.checks.filter(({ status }) => status === "fail" || status === "unknown");
    return { exitCode, report, found };
  };
  await using session = await openSession(server);
  await session.run("create table t (id int); insert into t values (1), (1)");
  await expect(session.run("create unique index concurrently twice on t (id)")).rejects.toMatchObject({
    code: "23505",
  });

  const broken = await check();
  expect([broken.exitCode, broken.found.map(({ id }) => id)]).toEqual([1, ["invalid-indexes"]]);
  const ids = broken.report.checks.map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(Object.values(TABLE).map(({ id }) => id)));

  await session.run("delete from t");
  for (const result of broken.found) await mend(server, result);
  const mended = await check();
  expect([mended.exitCode, mended.found]).toEqual([0, []]);
});
