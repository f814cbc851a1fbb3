import { systemClock } from "../../../src/core/clock.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
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

/** A real server with the table of the suite, and the fault proxy in front of it. */
export class Stage implements AsyncDisposable {
  readonly server: PostgresServer;
  readonly proxy: FaultProxy;
  #segment = 0;

  private constructor(server: PostgresServer, proxy: FaultProxy) {
    this.server = server;
    this.proxy = proxy;
  }

  static async open(options: PostgresOptions = {}): Promise<Stage> {
    const server = await startPostgres({ version: oldestPostgres, ...options });
    try {
      await server.psql(SCHEMA);
      const target = { host: server.host, port: server.port };
      return new Stage(server, await FaultProxy.listen({ target, port: await freePort(), clock: systemClock }));
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
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
    const [away] = await server.psql(
      `SELECT 1 FROM pg_database WHERE datname = '${server.database}_away'`,
      MAINTENANCE,
    );
    if (away) await server.psql(`ALTER DATABASE ${server.database}_away RENAME TO ${server.database}`, MAINTENANCE);
    await server.psql(`ALTER ROLE ${ROLE} PASSWORD '${PASSWORD}' CONNECTION LIMIT -1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy.close();
    await this.server[Symbol.asyncDispose]();
  }
}
