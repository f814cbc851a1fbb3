import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { SQL } from "bun";
import type { CheckResult } from "../../src/diagnostics/check.ts";
import type { CheckReport } from "../../src/diagnostics/report-model.ts";
import { type DebyResult, runDeby, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import { postgresVersions } from "../support/postgres-binaries.ts";
import type { PostgresServer } from "../support/postgres-server.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

type Environment = Record<string, string>;

const CHECK_IDS = ["config", "dns", "tcp", "protocol", "tls", "auth", "database", "query", "role", "tables"];

async function checkJson(env: Environment, ...flags: string[]): Promise<DebyResult & { report: CheckReport }> {
  const result = await runDeby(["check", "--json", ...flags], { env });
  return { ...result, report: JSON.parse(result.stdout) as CheckReport };
}

function resultOf(report: CheckReport, id: string): CheckResult {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`There is no check ${id}`);
  return found;
}

function environmentOf(server: PostgresServer, changes: Environment = {}): Environment {
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGDATABASE: server.database,
    PGUSER: server.user,
    PGPASSWORD: server.password,
    ...changes,
  };
}

/** A peer that takes connections and does with each what it is told, which may be nothing. */
async function listen(onConnection: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

interface Trouble {
  readonly id: string;
  readonly code: string;
  readonly cause: string;
  /** A part of the first command for Linux. */
  readonly fix: string;
}

/** The same trouble, told to a program and to a person. */
async function expectTrouble(env: Environment, { id, code, cause, fix }: Trouble, ...flags: string[]): Promise<void> {
  const json = await checkJson(env, ...flags);
  const result = resultOf(json.report, id);
  expect(json.exitCode).toBe(1);
  expect(json.report.summary).toMatchObject({ fail: 1, unknown: 0 });
  expect(result.status).toBe("fail");
  expect(result.evidence).toContain(code);
  expect(result.cause).toContain(cause);
  expect(result.fix.map(({ os }) => os)).toEqual(expect.arrayContaining(["linux", "macos", "windows"]));
  expect(result.fix.find(({ os }) => os === "linux")?.command).toContain(fix);
  const later = CHECK_IDS.slice(CHECK_IDS.indexOf(id) + 1);
  expect(later.map((each) => resultOf(json.report, each).status)).toEqual(later.map(() => "skip"));

  const text = await runDeby(["check", ...flags], { env });
  const unbroken = text.stdout.replaceAll(/\s+/g, " ");
  expect(text.exitCode).toBe(1);
  expect(unbroken).toContain(`✖ fail ${id}`);
  expect(unbroken).toContain(code);
  expect(unbroken).toContain(cause);
  expect(unbroken).toContain(`Cannot connect: ${cause}. Fix: `);
  expectNarrow(text.stdout);
}

function expectNarrow(text: string): void {
  expect(text.split("\n").filter((line) => line.length > 100)).toEqual([]);
}

describe.each([...postgresVersions])("deby check with a healthy Postgres %d", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    const timeouts = { statement_timeout: "60s", idle_in_transaction_session_timeout: "60s" };
    server = await startPostgres({ version, settings: { fsync: "on", ...timeouts } });
    await server.psql(`CREATE ROLE app LOGIN PASSWORD '${server.password}'; GRANT pg_monitor TO app`);
    const tables = Array.from({ length: 22 }, (_, index) => `CREATE TABLE t${String(index).padStart(2, "0")} (id int)`);
    await server.psql(`${tables.join(";")}; INSERT INTO t00 SELECT generate_series(1, 1000); ANALYZE t00`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("passes every check, and says so in one line", async () => {
    const { exitCode, stdout, stderr } = await runDeby(["check"], { env: environmentOf(server, { PGUSER: "app" }) });
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
      new RegExp(`^All good: PostgreSQL ${version}\\.\\d+ answers in [\\d.]+ ms, 22 tables in deby_ecommerce$`),
    );
    for (const id of CHECK_IDS.slice(1)) expect(stdout).toContain(`✔ pass    ${id} `);
    expect(stdout).toMatch(/db-host +127\.0\.0\.1 +environment \(PGHOST\)/);
    expect(stdout).toMatch(/db-sslmode +prefer +default/);
    expect(stdout).toMatch(/public\.t00 +~1,000 rows +\d+\.\d kB/);
    expect(stdout).toContain("public.t19");
    expect(stdout).not.toContain("public.t20");
    expect(stdout).toContain("and 2 more");
    expectNarrow(stdout);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("gives programs the versioned report and nothing else", async () => {
    const { exitCode, stderr, report } = await checkJson(environmentOf(server));
    expect(Object.keys(report)).toEqual(["schema", "target", "summary", "tables", "checks"]);
    expect(report.schema).toBe("deby.check/1");
    expect(report.summary).toMatchObject({ fail: 0, unknown: 0 });
    expect(report.checks.map(({ id }) => id).slice(0, CHECK_IDS.length)).toEqual(CHECK_IDS);
    for (const check of report.checks) {
      expect(Object.keys(check)).toEqual(["id", "title", "status", "evidence", "cause", "fix", "docs", "ms"]);
    }
    expect(report.tables).toHaveLength(22);
    expect(report.tables[0]).toEqual({
      schema: "public",
      name: "t00",
      estimatedRows: 1000,
      bytes: expect.any(Number) as number,
    });
    expect(report.tables[1]?.estimatedRows).toBeNull();
    expect(report.target).toMatchObject({ address: `127.0.0.1:${server.port}`, user: "postgres" });
    expect(report.target.settings).toContainEqual({
      name: "db-password",
      value: "***ry",
      source: "environment",
      from: "PGPASSWORD",
    });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("is not held up by somebody's lock on a table", async () => {
    await using _open = await lockTable(server, "t01");
    const { exitCode, report } = await checkJson(environmentOf(server));
    expect(exitCode).toBe(0);
    expect(report.tables).toHaveLength(22);
    expect(report.tables[1]).toMatchObject({ name: "t01", bytes: null });
  });

  test("leaves no connection behind", async () => {
    await checkJson(environmentOf(server));
    const left = "SELECT count(*)::int AS left FROM pg_stat_activity WHERE application_name = 'deby-check'";
    expect(await server.psql(left)).toEqual([{ left: 0 }]);
  });

  test("names the database that does not exist, and those that do", async () => {
    await expectTrouble(environmentOf(server, { PGDATABASE: "shop" }), {
      id: "database",
      code: "3D000",
      cause: "The database shop does not exist",
      fix: `psql -h 127.0.0.1 -p ${server.port} -U postgres -c 'CREATE DATABASE shop'`,
    });
    const { report } = await checkJson(environmentOf(server, { PGDATABASE: "shop" }));
    expect(resultOf(report, "database").cause).toContain("this server has deby_ecommerce, postgres");
  });

  test("names the source of a wrong password, and how to set a new one", async () => {
    await expectTrouble(environmentOf(server, { PGPASSWORD: "wrong-password" }), {
      id: "auth",
      code: "28P01",
      cause: "The server refuses postgres with the password from PGPASSWORD",
      fix: "ALTER USER postgres WITH PASSWORD",
    });
  });

  test("says that a role may be missing where the server asks for passwords", async () => {
    const { report } = await checkJson(environmentOf(server, { PGUSER: "nobody" }));
    expect(resultOf(report, "auth")).toMatchObject({ status: "fail" });
    expect(resultOf(report, "auth").cause).toContain("or there is no such role");
  });

  test("tells a missing password from a wrong one", async () => {
    const { PGPASSWORD: _, ...env } = environmentOf(server);
    const { report } = await checkJson(env);
    expect(resultOf(report, "auth").cause).toContain("asks postgres for a password, and none is configured");
  });
});

/** Somebody who holds a table's strongest lock until disposal. */
async function lockTable(server: PostgresServer, table: string): Promise<AsyncDisposable> {
  const holding = server.psql(`BEGIN; LOCK TABLE ${table}; SELECT pg_sleep(20)`, { deadlineMs: 25_000 });
  holding.catch(() => {});
  const held = `SELECT pid FROM pg_locks WHERE relation = '${table}'::regclass AND mode = 'AccessExclusiveLock' AND granted`;
  let pid: unknown;
  while (pid === undefined) pid = (await server.psql(held))[0]?.["pid"];
  return {
    async [Symbol.asyncDispose]() {
      await server.psql(`SELECT pg_terminate_backend(${pid})`);
    },
  };
}

describe("deby check where roles and rules differ", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ hba: "host all rejected all reject\nhost all all all trust" });
    await server.psql("CREATE ROLE full LOGIN CONNECTION LIMIT 0; CREATE ROLE team NOLOGIN; CREATE ROLE guest LOGIN");
    await server.psql("CREATE DATABASE private");
    await server.psql("REVOKE CONNECT ON DATABASE private FROM public");
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const cases: readonly (Trouble & { readonly title: string; readonly env: Environment })[] = [
    {
      title: "a role that does not exist",
      env: { PGUSER: "app_user" },
      id: "auth",
      code: "28000",
      cause: "The role app_user does not exist",
      fix: "CREATE USER app_user WITH PASSWORD",
    },
    {
      title: "a role that may not log in",
      env: { PGUSER: "team" },
      id: "auth",
      code: "28000",
      cause: "The role team may not log in",
      fix: "ALTER ROLE team LOGIN",
    },
    {
      title: "no way in by pg_hba.conf",
      env: { PGUSER: "rejected" },
      id: "auth",
      code: "28000",
      cause: "pg_hba.conf does not let rejected from 127.0.0.1 into deby_ecommerce",
      fix: "host deby_ecommerce rejected 127.0.0.1/32 scram-sha-256",
    },
    {
      title: "no connection left",
      env: { PGUSER: "full" },
      id: "auth",
      code: "53300",
      cause: "The server has no connection left",
      fix: "pg_stat_activity",
    },
    {
      title: "no privilege to connect",
      env: { PGUSER: "guest", PGDATABASE: "private" },
      id: "database",
      code: "42501",
      cause: "The role guest may not connect to private",
      fix: "GRANT CONNECT ON DATABASE private TO guest",
    },
    {
      title: "TLS that is not offered",
      env: { PGSSLMODE: "require" },
      id: "tls",
      code: "TLS_REFUSED",
      cause: "The server offers no TLS, but sslmode=require asks for it",
      fix: "--db-sslmode prefer",
    },
  ];
  test.each([...cases])("tells $title by its cause", async ({ title: _, env, ...trouble }) => {
    await expectTrouble(environmentOf(server, env), trouble);
  });

  test("warns of a source that names another database than the one in use", async () => {
    const env = environmentOf(server, { POSTGRES_HOST: "db.example.com" });
    const { exitCode, stdout } = await runDeby(["check"], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/! warn +config +.*db\.example\.com/);
    expect(stdout).toMatch(/Usable, with \d+ warnings: /);
  });

  test("fails when the server has not the role that is asked for", async () => {
    const { exitCode, report } = await checkJson(environmentOf(server), "--target-session-attrs", "standby");
    expect(exitCode).toBe(1);
    expect(resultOf(report, "role")).toMatchObject({ status: "fail", evidence: "a primary, takes writes" });
  });
});

test("deby check tells a server that is shutting down", async () => {
  await using server = await startPostgres();
  const holder = new SQL(server.url, { max: 1 });
  await holder`select 1`;
  const stopped = server.stop("smart");
  await waitUntil("the server shuts down", () => server.log.includes("received smart shutdown request"));
  await expectTrouble(environmentOf(server), {
    id: "auth",
    code: "57P03",
    cause: "The server runs but does not accept connections now",
    fix: `pg_isready -h 127.0.0.1 -p ${server.port}`,
  });
  await holder.close();
  await stopped;
});

test("deby check names .env as the source of what it took from there", async () => {
  await using folder = makeTempFolder("check");
  writeFileSync(join(folder.path, ".env"), `DATABASE_URL=postgres://app@127.0.0.1:${await freePort()}/shop\n`);
  const { exitCode, stdout } = await runDeby(["check"], { cwd: folder.path });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/db-name +shop +\.env \(DATABASE_URL\)/);
});

describe("deby check where no Postgres answers", () => {
  test("tells a port where nothing listens", async () => {
    const port = await freePort();
    await expectTrouble(
      { PGHOST: "127.0.0.1", PGPORT: String(port) },
      {
        id: "tcp",
        code: "ECONNREFUSED",
        cause: `127.0.0.1:${port} refuses connections`,
        fix: "sudo systemctl start postgresql",
      },
    );
  });

  test("tells a name that does not resolve", async () => {
    const { exitCode, report } = await checkJson({ PGHOST: "nowhere.invalid" });
    expect(exitCode).toBe(1);
    expect(resultOf(report, "dns").status).toBe("fail");
    expect(resultOf(report, "dns").cause).toMatch(/nowhere\.invalid/);
  });

  test("a port that stays mute has failed, within --timeout", async () => {
    await using peer = await listen(() => {});
    const startedAt = performance.now();
    await expectTrouble(
      { PGHOST: "127.0.0.1", PGPORT: String(peer.port) },
      {
        id: "protocol",
        code: "ETIMEDOUT",
        cause: `127.0.0.1:${peer.port} accepts connections but never answers`,
        fix: "systemctl status postgresql",
      },
      "--timeout",
      "300ms",
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("tells a port that accepts and closes", async () => {
    await using peer = await listen((socket) => socket.end());
    await expectTrouble(
      { PGHOST: "127.0.0.1", PGPORT: String(peer.port) },
      {
        id: "protocol",
        code: "CONNECTION_CLOSED",
        cause: `127.0.0.1:${peer.port} accepts connections and closes them`,
        fix: "pg_isready",
      },
    );
  });

  test("is not taken in by an SSH banner, which begins with the byte that means yes to TLS", async () => {
    await using peer = await listen((socket) => socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"));
    await expectTrouble(
      { PGHOST: "127.0.0.1", PGPORT: String(peer.port) },
      {
        id: "protocol",
        code: "PROTOCOL",
        cause: `Something that is not PostgreSQL listens on 127.0.0.1:${peer.port}`,
        fix: `sport = :${peer.port}`,
      },
    );
  });

  test("ends with 130 on Ctrl-C, without a report", async () => {
    const connected = Promise.withResolvers<void>();
    await using peer = await listen(() => connected.resolve());
    const env = { PGHOST: "127.0.0.1", PGPORT: String(peer.port) };
    await using deby = await spawnDeby(["check", "--json"], { env });
    await connected.promise;
    deby.kill("SIGINT");
    expect(await deby.waitForExit(5_000)).toMatchObject({ exitCode: 130, stdout: "" });
  });

  test.each(["5", "0s", "soon"])("--timeout %s is refused with 2", async (timeout) => {
    const { exitCode, stdout, stderr } = await runDeby(["check", "--timeout", timeout]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`"${timeout}"`);
  });
});

describe("deby check and passwords", () => {
  const passwords = ["p@ss/w#rd?%25:&=x", `it's "quoted" $HOME \\ \`id\``, "***sesam***öffne", "hunter2 hunter2"];

  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function sources(password: string): Environment[] {
    const { host, port, user, database } = server;
    const encoded = encodeURIComponent(password);
    const docker = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_DB: database, POSTGRES_USER: user };
    return [
      { DATABASE_URL: `postgres://${user}:${encoded}@${host}:${port}/${database}` },
      { DATABASE_URL: `postgres://${host}:${port}/${database}?user=${user}&password=${encoded}` },
      { ...docker, POSTGRES_PASSWORD: password },
      environmentOf(server, { PGPASSWORD: password }),
    ];
  }

  test.each([...passwords])(
    "never shows %p, right or wrong",
    async (password) => {
      await server.psql(`ALTER ROLE postgres PASSWORD '${password.replaceAll("'", "''")}'`);
      const wrong = `${password}!`;
      for (const [secret, exitCode] of [
        [password, 0],
        [wrong, 1],
      ] as const) {
        for (const env of sources(secret)) {
          for (const flags of [["check"], ["check", "--json"]]) {
            const result = await runDeby(flags, { env });
            expect(result.exitCode).toBe(exitCode);
            for (const shape of shapesOf(password)) expect(result.stdout + result.stderr).not.toContain(shape);
          }
        }
      }
    },
    60_000,
  );

  function shapesOf(password: string): string[] {
    const inJson = JSON.stringify(password).slice(1, -1);
    const bytes = Buffer.from(password);
    return [password, encodeURIComponent(password), inJson, bytes.toString("base64"), bytes.toString("hex")];
  }
});
