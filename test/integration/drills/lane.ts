import { fileURLToPath } from "node:url";
import type { PgBouncerOptions } from "../../support/pgbouncer.ts";
import { serverProcesses, signalQuietly } from "../../support/postgres-processes.ts";
import { type ServedDeby, startServe } from "../../support/serve.ts";
import { PASSWORD, ROLE, Stage } from "../faults/stage.ts";
import { put, REQUEST_TIMEOUT_MS } from "./client.ts";
import type { Rows } from "./judge.ts";
import { idOf, type Kill } from "./plan.ts";
import { Striker } from "./striker.ts";

const ROUTES = fileURLToPath(import.meta.resolve("./routes.ts"));
const EXIT_WITHIN_MS = 5000;

const SCHEMA = `
  CREATE TABLE drill_row (id uuid NOT NULL, written_at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE INDEX ON drill_row (id);
  GRANT SELECT, INSERT ON drill_row TO ${ROLE}`;

const WARM_UP = [
  { id: idOf("warm-up canary"), way: "canary" },
  { id: idOf("warm-up drill"), way: "drill" },
] as const;

/** What has become of the transactions whose COMMIT was not answered. */
export interface Resolved {
  readonly committed: number;
  readonly notCommitted: number;
  readonly unknown: number;
}

export interface LaneOptions {
  /** Whether a PgBouncer in transaction mode stands between the proxy and the server. Default: false. */
  readonly isPooled?: boolean;
}

const POOLER: PgBouncerOptions = {
  poolMode: "transaction",
  settings: { server_login_retry: 0.2, default_pool_size: 60 },
};

/** A server, the proxy in front of it and a deby on it. */
export class Lane implements AsyncDisposable {
  readonly striker: Striker;
  readonly #stage: Stage;
  readonly #deby: ServedDeby;

  private constructor(stage: Stage, deby: ServedDeby) {
    this.#stage = stage;
    this.#deby = deby;
    this.striker = new Striker(stage.proxy);
  }

  static async open({ isPooled = false }: LaneOptions = {}): Promise<Lane> {
    // What is silent for ever keeps its sessions, so there are more than the pool needs.
    const server = { version: 18, settings: { max_connections: "250" } } as const;
    const stage = await Stage.open(isPooled ? { ...server, pooler: POOLER } : server);
    try {
      await stage.server.psql(`${SCHEMA}; GRANT CREATE ON DATABASE ${stage.server.database} TO ${ROLE}`);
      const deby = await startServe(stage.server, {
        args: ["--canary", "--routes", ROUTES, "--log-format", "json", "--request-timeout", `${REQUEST_TIMEOUT_MS}ms`],
        env: {
          POSTGRES_PORT: String(stage.proxy.port),
          POSTGRES_USER: ROLE,
          POSTGRES_PASSWORD: PASSWORD,
          DEBY_STALL_AFTER: "500ms",
        },
      });
      for (const write of WARM_UP) await put(deby.url, write);
      return new Lane(stage, deby);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.#deby.url;
  }

  /** Everything that deby has printed. */
  get lines(): readonly string[] {
    return this.#deby.process.lines;
  }

  /** SIGKILL for the postmaster and all its children, and a start. */
  async kill({ afterMs, downMs }: Kill): Promise<void> {
    const { server } = this.#stage;
    await Bun.sleep(afterMs);
    const pids = serverProcesses(server.dataDir, server.postmasterPid);
    const killed = server.kill9();
    for (const pid of pids) signalQuietly(pid, "SIGKILL");
    await killed;
    await Bun.sleep(downMs);
    await server.start();
  }

  /** How often each of these ids is there. */
  async rowsOf(ids: readonly string[]): Promise<Rows> {
    const rows = await this.#stage.server.psql<{ id: string; count: number }>(`
      SELECT id::text AS id, count(*)::int AS count
      FROM (SELECT id FROM deby.canary UNION ALL SELECT id FROM drill_row) AS row
      WHERE id = ANY('{${ids}}') GROUP BY id`);
    return new Map(rows.map(({ id, count }) => [id, count]));
  }

  /** Rows without a key and keys without a row: work and key are one transaction. */
  async mismatches(): Promise<string[]> {
    const rows = await this.#stage.server.psql<{ id: string; key: string }>(`
      SELECT id::text AS id, key FROM (SELECT id FROM deby.canary UNION ALL SELECT id FROM drill_row) AS row
      FULL JOIN deby.outcome ON key = id::text WHERE id IS NULL OR key IS NULL`);
    return rows.map(({ id, key }) => (id === null ? `the key ${key} has no row` : `the row ${id} has no key`));
  }

  async resolved(): Promise<Resolved> {
    const text = await (await this.#deby.fetch("/metrics")).text();
    const read = (outcome: string): number => {
      const sample = new RegExp(`^deby_outcomes_resolved_total{outcome="${outcome}"} (\\d+)$`, "m").exec(text)?.[1];
      if (sample === undefined) throw new Error(`deby tells nothing of ${outcome}`);
      return Number(sample);
    };
    return { committed: read("committed"), notCommitted: read("not-committed"), unknown: read("unknown") };
  }

  /** Ends deby as an operator does; what is wrong with how it went. */
  async end(): Promise<string[]> {
    this.#deby.process.kill("SIGTERM");
    const { exitCode, signal } = await this.#deby.process.waitForExit(EXIT_WITHIN_MS);
    return exitCode === 0 ? [] : [`deby ended with ${exitCode ?? signal} after SIGTERM`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deby[Symbol.asyncDispose]();
    await this.#stage[Symbol.asyncDispose]();
  }
}
