import { afterAll, beforeAll, test } from "bun:test";
import postgres from "postgres";
import { Secret } from "../../../src/config/secret.ts";
import { readPresence } from "../../../src/outage/foreign-sessions.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { waitUntil } from "../../support/wait-until.ts";

let server: PostgresServer;
beforeAll(async () => {
  const rules = ["local all all", "host all all all", "host replication all all"];
  server = await startPostgres({
    hba: rules
      .map(
        (rule) => `${rule} scram-sha-256
`,
      )
      .join(""),
  });
  await server.psql("create role ordinary login password 'ordinary'");
});
afterAll(() => server[Symbol.asyncDispose]());

const ROLES = [
  ["its master", () => ({ user: server.user, password: server.password })],
  ["an ordinary role", () => ({ user: "ordinary", password: "ordinary" })],
] as const;

function connect(connection: Record<string, string>) {
  const { host, port, user, password, database } = server;
  return postgres({ host, port, user, password, database, max: 1, fetch_types: false, onnotice() {}, connection });
}

async function othersSeenBy({ user, password }: { user: string; password: string }): Promise<string[]> {
  const { host, port, database } = server;
  const { others } = await readPresence({ host, port, user, password: new Secret(password), database });
  return others.map(({ applicationName }) => applicationName);
}

/** A session that was ended leaves the server's list a moment later. */
function waitForOthers(role: { user: string; password: string }, count: number): Promise<true> {
  return waitUntil(`${count} others are seen`, async () => (await othersSeenBy(role)).length === count);
}

test.each(ROLES)("readPresence() takes the server's own processes for nobody, seen by %s", async (_, role) => {
  await waitForOthers(role(), 0);
});

test.each(ROLES)("readPresence() finds another's session, seen by %s", async (_, role) => {
  const sql = connect({ application_name: "payroll" });
  await sql`select 1`;
  await waitForOthers(role(), 1);
  await sql.end();
});

test.each(ROLES)("readPresence() finds a standby, and whoever decodes the log, seen by %s", async (_, role) => {
  for (const replication of ["true", "database"]) {
    const sql = connect({ application_name: "standby1", replication });
    await sql.unsafe("IDENTIFY_SYSTEM").simple();
    await waitForOthers(role(), 1);
    await sql.end();
  }
});
