import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { checkJson, environmentOf } from "./run-check.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("what the driver would take from the environment by itself", () => {
  test("a password that belongs to another database is not sent", async () => {
    const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = environmentOf(server);
    const flags = [`--db-host=${PGHOST}`, `--db-port=${PGPORT}`, `--db-name=${PGDATABASE}`, `--db-user=${PGUSER}`];
    const { exitCode, report } = await checkJson({
      env: { PGPASSWORD: PGPASSWORD ?? "" },
      flags: [...flags, "--only=connection"],
    });
    const auth = report.checks.find(({ id }) => id === "auth");
    expect(auth).toMatchObject({ status: "fail", cause: expect.stringContaining("none is configured") });
    expect(exitCode).toBe(1);
  });

  test("a role that it does not know is no obstacle", async () => {
    const env = environmentOf(server, { PGTARGETSESSIONATTRS: "any", PGPREPARE: "no", PGFETCH_TYPES: "yes" });
    const { exitCode, report } = await checkJson({ env, flags: ["--only=connection"] });
    expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(exitCode).toBe(0);
  });
});
