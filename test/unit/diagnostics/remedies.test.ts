import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { DatabaseTarget } from "../../../src/config/types.ts";
import type { OperatingSystem, Subject } from "../../../src/diagnostics/check.ts";
import { readConnectFailure } from "../../../src/diagnostics/connect-failure.ts";
import { CATALOGUE } from "../../../src/diagnostics/remedies/catalogue.ts";
import type { Trouble } from "../../../src/diagnostics/remedies/trouble.ts";
import { remedyFor } from "../../../src/diagnostics/remedies.ts";

const PASSWORD = "open-sesame-77";

function subject(changes: Partial<DatabaseTarget> = {}, os: OperatingSystem = "linux"): Subject {
  const target: DatabaseTarget = {
    hosts: [{ host: "db.example.com", port: 6543 }],
    database: "Shop",
    user: "app",
    password: new Secret(PASSWORD),
    sslmode: "prefer",
    sslRootCert: undefined,
    applicationName: "deby",
    targetSessionAttrs: "any",
    ...changes,
  };
  const settings = [{ name: "db-password", value: "***77", source: "environment", from: "POSTGRES_PASSWORD" }] as const;
  return { target, settings, warnings: [], connectTimeoutMs: 5_000, os };
}

const NAMES = CATALOGUE.map((entry) => [`${entry.codes[0]}: ${entry.means}`, entry] as const);

describe.each(NAMES)("the remedy for %s", (_, { codes, check, example }) => {
  const trouble: Trouble = { code: codes[0] ?? "", message: "the server's words", ...example };

  test("has a cause whose first sentence stands alone, commands for every system and a page to read", () => {
    for (const os of ["linux", "macos", "windows"] as const) {
      const { cause, fix, docs } = remedyFor(trouble, subject({}, os));
      // What is wrong with a configuration is said where it is read.
      if (check !== "config") expect(cause).toMatch(/^[^\n]{10,95}?\. /);
      if (fix.some((each) => each.os !== "any")) {
        expect(fix[0]?.os).toBe(os);
        expect(fix.map((each) => each.os)).toEqual(expect.arrayContaining(["linux", "macos", "windows"]));
      }
      expect(docs).toMatch(/^https:\/\/www\.(?:postgresql|pgbouncer)\.org\/[\w/-]+(?:\.html|\/)$/);
    }
  });

  test("holds no password", () => {
    expect(JSON.stringify(remedyFor(trouble, subject()))).not.toContain(PASSWORD);
  });
});

test("a wrong password is told with its source, and without the claim that the role exists", () => {
  const { cause } = remedyFor({ code: "28P01", message: "" }, subject());
  expect(cause).toContain("the password from POSTGRES_PASSWORD");
  expect(cause).toContain("or there is no such role");
  expect(cause).toContain("Docker volume");
});

test("a superuser whose own password is in question gets in by the socket where the server is local", () => {
  const local = subject({ hosts: [{ host: "localhost", port: 5433 }], user: "postgres" });
  expect(remedyFor({ code: "28P01", message: "" }, local).fix[0]?.command).toBe(
    `sudo -u postgres psql -p 5433 -c "ALTER USER postgres WITH PASSWORD 'new-password'"`,
  );
});

test("28000 is told apart by what is never translated: the file's name and the server's function", () => {
  const noLine = { code: "28000", message: `kein pg_hba.conf-Eintrag für Host »10.0.0.7«` };
  const noRole = { code: "28000", message: "Rolle »app« existiert nicht", routine: "InitializeSessionUserId" };
  const peer = { code: "28000", message: `Peer authentication failed for user "app"`, routine: "auth_failed" };
  expect(remedyFor(noLine, subject()).cause).toStartWith("pg_hba.conf does not let app");
  expect(remedyFor(noRole, subject()).cause).toStartWith("The role app does not exist");
  expect(remedyFor(peer, subject()).cause).toStartWith("The server refuses app by a rule in pg_hba.conf");
});

test("the missing line for pg_hba.conf names the client as the server sees it", () => {
  const message = `no pg_hba.conf entry for host "2001:db8::7", user "app", database "Shop", no encryption`;
  const { cause, fix } = remedyFor({ code: "28000", message }, subject({ sslmode: "disable" }));
  expect(fix[0]?.command).toContain(`host "Shop" app 2001:db8::7/128 scram-sha-256`);
  expect(cause).toContain("--db-sslmode require");
});

test("a database's name is quoted for SQL and for the shell", () => {
  const { fix, cause } = remedyFor({ code: "3D000", message: "", databases: ["a", "b"] }, subject());
  expect(fix[0]?.command).toBe(`psql -h db.example.com -p 6543 -U postgres -c 'CREATE DATABASE "Shop" OWNER app'`);
  expect(cause).toEndWith("this server has a, b");
});

test("a code that nobody foresaw is told in the server's words", () => {
  expect(remedyFor({ code: "XX000", message: "could not open relation" }, subject()).cause).toBe(
    "The connection was refused with XX000. The words are: could not open relation",
  );
});

test.each([
  ["28P01", "auth"],
  ["28000", "auth"],
  ["53300", "auth"],
  ["57P03", "auth"],
  ["08P01", "auth"],
  ["3D000", "database"],
  ["42501", "database"],
  ["TLS_REFUSED", "tls"],
  ["SASL_SIGNATURE_MISMATCH", "auth"],
  ["ETIMEDOUT", "protocol"],
  ["EPIPE", "protocol"],
  ["PROTOCOL", "protocol"],
  ["CONNECTION_CLOSED", "protocol"],
])("%s belongs to %s", (code, step) => {
  expect(readConnectFailure(Object.assign(new Error("why"), { code })).step).toBe(step as "auth");
});

test.each([
  ["POOLER_NO_SERVER", "query_wait_timeout", "SHOW SERVERS"],
  ["POOLER_MISCONFIGURED", "bouncer config error", "SHOW DATABASES"],
])("%s is a pooler's own trouble, told as such, with its console to ask", (code, message, command) => {
  const { cause, fix, docs } = remedyFor({ code, message }, subject());
  expect(cause).toStartWith(`A pooler answers at db.example.com:6543, and says: ${message}. `);
  expect(fix[0]?.command).toBe(`psql -h db.example.com -p 6543 -d pgbouncer -c '${command}'`);
  expect(docs).toStartWith("https://www.pgbouncer.org/");
});

test("every trouble of the catalogue is reached by its own example", () => {
  for (const { codes, example, remedy } of CATALOGUE) {
    const trouble: Trouble = { code: codes[0] ?? "", message: "", ...example };
    expect(
      CATALOGUE.find((entry) => entry.codes.includes(trouble.code) && (entry.fits?.(trouble) ?? true))?.remedy,
    ).toBe(remedy);
  }
});

test("a refused port whose Unix socket answers is told as what it is: an address that is left out", () => {
  const nearby = [{ host: "/var/run/postgresql", port: 6543 }];
  const here = subject({ hosts: [{ host: "127.0.0.1", port: 6543 }] });
  const { cause, fix } = remedyFor({ code: "ECONNREFUSED", message: "", nearby }, here);
  expect(cause).toContain("refuses connections, though PostgreSQL runs here. It listens on its Unix socket");
  expect(fix[0]?.command).toBe("psql -h /var/run/postgresql -p 6543 -U postgres -c 'SHOW listen_addresses'");
});

test("a PostgreSQL on another port of this machine is mentioned", () => {
  const nearby = [{ host: "/tmp", port: 5433 }];
  const here = subject({ hosts: [{ host: "localhost", port: 5432 }] });
  const { cause } = remedyFor({ code: "ECONNREFUSED", message: "", nearby }, here);
  expect(cause).toContain("a PostgreSQL on this machine has port 5433");
});

test("whoever is let in and not answered is told of the pooler that may stand there", () => {
  const { cause, fix } = remedyFor({ code: "UNANSWERED", message: "let in, but no answer in time" }, subject());
  expect(cause).toStartWith("db.example.com:6543 lets us in and answers nothing then. ");
  expect(fix[0]?.command).toContain("SHOW POOLS");
  expect(readConnectFailure(Object.assign(new Error("late"), { code: "UNANSWERED" })).step).toBe("database");
});
