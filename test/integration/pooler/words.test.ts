import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { Connection } from "../../../src/database/connection.ts";
import type { DebyError } from "../../../src/errors.ts";
import { type PgBouncer, pgBouncerAvailable, startPgBouncer } from "../../support/pgbouncer.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { targetAt } from "../../support/settings.ts";
import { waitUntil } from "../../support/wait-until.ts";

const LIMIT_MS = 8000;

interface Login {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

/** What PgBouncer really says when each of these happens, and what deby makes of it. */
describe.skipIf(!pgBouncerAvailable)("PgBouncer's words", () => {
  let server: PostgresServer;
  let pooler: PgBouncer;

  beforeAll(async () => {
    server = await startPostgres({ version: oldestPostgres, settings: { max_connections: "20" } });
    await server.psql("CREATE ROLE closed NOLOGIN PASSWORD 'x'; CREATE ROLE stranger LOGIN PASSWORD 'another'");
    pooler = await startPgBouncer(server, {
      users: { closed: "x", stranger: "x", nobody_there: "x" },
      settings: { server_login_retry: 0.2 },
    });
  });
  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    if (!server.isRunning) await server.start();
    await pooler.stop();
    pooler.configure({ settings: { ...UNLIMITED, default_pool_size: 25, max_client_conn: 200 } });
    await pooler.start();
  });

  /** As of PgBouncer's defaults, where 0 is none. */
  const UNLIMITED = {
    query_wait_timeout: 120,
    query_timeout: 0,
    client_idle_timeout: 0,
    idle_transaction_timeout: 0,
  };

  async function configure(settings: Readonly<Record<string, string | number>>): Promise<void> {
    pooler.configure({ settings });
    await pooler.reload();
  }

  function open({ user = server.user, password = server.password, ...rest }: Login = {}): Promise<Connection> {
    const target = targetAt(pooler.port, { user, password: new Secret(password), ...rest });
    return Connection.open(target, {
      clock: systemClock,
      sweep: new DeadlineSweep(systemClock),
      deadlineAt: systemClock.now() + LIMIT_MS,
      applicationName: "deby",
      prepare: "auto",
    });
  }

  async function refusal(login: Login = {}): Promise<string> {
    const error = await open(login).then(
      (connection) => {
        connection.destroy("DATABASE_UNAVAILABLE", "Let in by mistake");
        return undefined;
      },
      (thrown: DebyError) => thrown,
    );
    return `${error?.code} ${error?.reason}`;
  }

  const atWork = (text: string) =>
    waitUntil(`${text} runs`, async () => {
      const active = `SELECT FROM pg_stat_activity WHERE state = 'active' AND query = 'select ${text}'`;
      return (await server.psql(active)).length > 0;
    });

  /** How a statement ends that is on its way while something happens. */
  async function fate(connection: Connection, happening: () => Promise<unknown>, text = "select pg_sleep(30)") {
    const lost = connection.control(text, systemClock.now() + LIMIT_MS).then(
      () => "answered",
      ({ reason, outcome }: DebyError) => `${reason} ${outcome}`,
    );
    await happening();
    return await lost;
  }

  const endBackend = () =>
    server.psql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
    );

  test("wrong names and passwords are misconfigured, whether it knows them or the server", async () => {
    const bad = await Promise.all([
      refusal({ database: "nowhere" }),
      refusal({ user: "unheard_of" }),
      refusal({ password: "wrong" }),
      refusal({ user: "stranger", password: "x" }),
      refusal({ user: "closed", password: "x" }),
      refusal({ user: "nobody_there", password: "x" }),
    ]);
    expect(bad).toEqual([
      "DATABASE_MISCONFIGURED 3D000",
      "DATABASE_MISCONFIGURED 28P01",
      "DATABASE_MISCONFIGURED 28P01",
      "DATABASE_MISCONFIGURED 28P01",
      "DATABASE_MISCONFIGURED 28000",
      "DATABASE_MISCONFIGURED 28P01",
    ]);
  });

  test("max_client_conn is too many clients", async () => {
    await configure({ max_client_conn: 1 });
    await using one = closing(await open());
    expect(await refusal()).toBe("DATABASE_UNAVAILABLE 53300");
    expect(one.connection.isLost).toBe(false);
  });

  test("a database that its operator has disabled is unavailable", async () => {
    await pooler.admin("DISABLE deby_ecommerce");
    expect(await refusal()).toBe("DATABASE_UNAVAILABLE POOLER_NO_SERVER");
  });

  test("without a server one session waits, and all others are sent away before anything has run", async () => {
    await using first = closing(await open());
    const second = await open();
    await server.stop();
    const waiting = fate(first.connection, async () => {}, "select 1");
    await waitUntil("it has tried to connect", () => pooler.log.includes("connect failed"));
    expect(await fate(second, async () => {}, "select 1")).toBe("POOLER_NO_SERVER not-executed");
    expect(await refusal()).toBe("DATABASE_UNAVAILABLE POOLER_NO_SERVER");
    await server.start();
    expect(await waiting).toBe("answered");
  });

  test("query_wait_timeout means that the statement never ran", async () => {
    await configure({ default_pool_size: 1, query_wait_timeout: 1 });
    await using first = closing(await open());
    await using second = closing(await open());
    const busy = fate(first.connection, async () => {}, "select pg_sleep(3)");
    await atWork("pg_sleep(3)");
    expect(await fate(second.connection, async () => {}, "select 1")).toBe("POOLER_NO_SERVER not-executed");
    expect(await busy).toBe("answered");
  });

  test("a statement in a server that goes away is of unknown fate", async () => {
    const ends = [
      ["terminated", endBackend],
      ["stopped", () => server.stop()],
      ["pooler killed", () => pooler.kill9()],
    ] as const;
    const fates: string[] = [];
    for (const [, happen] of ends) {
      if (!server.isRunning) await server.start();
      const happening = async () => {
        await atWork("pg_sleep(30)");
        await happen();
      };
      fates.push(await fate(await open(), happening));
    }
    await pooler.start();
    // What PgBouncer adds may come alone.
    const byServer = expect.stringMatching(/^(?:57P01|POOLER_ENDED) unknown$/);
    expect(fates).toEqual([byServer, byServer, "CONNECTION_CLOSED unknown"]);
  });

  test("query_timeout leaves the fate unknown, idle timeouts do not", async () => {
    await configure({ query_timeout: 1 });
    expect(await fate(await open(), async () => {})).toBe("POOLER_ENDED unknown");
    await configure({ query_timeout: 0, client_idle_timeout: 1 });
    const idle = await open();
    const { promise, resolve } = Promise.withResolvers<DebyError>();
    idle.onLost = resolve;
    expect(await promise).toMatchObject({ reason: "POOLER_ENDED", outcome: "not-executed" });
    await configure({ client_idle_timeout: 0, idle_transaction_timeout: 1 });
    const resting = await open();
    await resting.control("begin", systemClock.now() + LIMIT_MS);
    await waitUntil("it is cut off", () => resting.isLost);
    const late = resting.control("commit", systemClock.now() + LIMIT_MS);
    expect(await late.catch((error) => error)).toMatchObject({ reason: "POOLER_ENDED", outcome: "not-executed" });
  });
});

function closing(connection: Connection) {
  return { connection, [Symbol.asyncDispose]: async () => await connection.close() };
}
