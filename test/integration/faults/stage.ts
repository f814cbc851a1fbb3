import { systemClock } from "../../../src/core/clock.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type PgBouncer, type PgBouncerOptions, startPgBouncer } from "../../support/pgbouncer.ts";
import { freePort } from "../../support/ports.ts";
import { type PostgresOptions, type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { GREEDY_ROLE } from "./greedy-client.ts";

/** The role that deby logs in as: no superuser, so that max_connections holds for it. */
export const ROLE = "shop";
export const PASSWORD = "shop-password";

/** In the database that nobody takes away. */
export const MAINTENANCE = { database: "postgres" };

export const SCHEMA = `
  CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}';
  CREATE ROLE ${GREEDY_ROLE} LOGIN;
  CREATE TABLE fault_row (segment int NOT NULL, id uuid NOT NULL, way text NOT NULL);
  CREATE INDEX ON fault_row (segment, id);
  GRANT SELECT, INSERT ON fault_row TO ${ROLE}`;

export interface StageOptions extends PostgresOptions {
  /** A PgBouncer between the fault proxy and the server. Default: none. */
  readonly pooler?: PgBouncerOptions;
}

/** A real server with the table of the suite, and the fault proxy in front of it. */
export class Stage implements AsyncDisposable {
  readonly server: PostgresServer;
  readonly proxy: FaultProxy;
  readonly pooler: PgBouncer | undefined;
  #segment = 0;

  private constructor(server: PostgresServer, proxy: FaultProxy, pooler: PgBouncer | undefined) {
    this.server = server;
    this.proxy = proxy;
    this.pooler = pooler;
  }

  static async open({ pooler: pooled, ...options }: StageOptions = {}): Promise<Stage> {
    await using owned = new AsyncDisposableStack();
    const server = owned.use(await startPostgres({ version: oldestPostgres, ...options }));
    await server.psql(SCHEMA);
    const users = { [ROLE]: PASSWORD };
    const pooler = pooled && owned.use(await startPgBouncer(server, { users, ...pooled }));
    const { host, port } = pooler ?? server;
    const proxy = await FaultProxy.listen({ target: { host, port }, port: await freePort(), clock: systemClock });
    owned.move();
    return new Stage(server, proxy, pooler);
  }

  /** A number for the rows of one fault. */
  nextSegment(): number {
    this.#segment += 1;
    return this.#segment;
  }

  /** Whatever a fault that failed has left behind is undone. */
  async restore(): Promise<void> {
    const { server, proxy } = this;
    proxy.onServerData = () => undefined;
    await proxy.setAll({ kind: "pass" });
    if (server.isRunning) server.thaw();
    else await server.start();
    await this.#restorePooler();
    const [away] = await server.psql(
      `SELECT 1 FROM pg_database WHERE datname = '${server.database}_away'`,
      MAINTENANCE,
    );
    if (away) await server.psql(`ALTER DATABASE ${server.database}_away RENAME TO ${server.database}`, MAINTENANCE);
    await server.psql(`ALTER ROLE ${ROLE} PASSWORD '${PASSWORD}' CONNECTION LIMIT -1`);
  }

  async #restorePooler(): Promise<void> {
    const { pooler } = this;
    if (pooler === undefined) return;
    if (pooler.isRunning) pooler.thaw();
    else await pooler.start();
    await pooler.admin("RESUME").catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.close();
    await this.pooler?.[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}
