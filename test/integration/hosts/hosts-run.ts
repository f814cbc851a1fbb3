import { fileURLToPath } from "node:url";
import type { DebyProcess } from "../../support/executable.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { type ServeOptions, serve } from "../../support/serve.ts";
import { PROBE_ROLE, WritableProbe } from "../../support/writable-probe.ts";
import { FaultClient } from "../faults/client.ts";
import type { Table } from "../faults/figures.ts";
import { HealthWatch } from "../faults/health.ts";
import { describeEntry, isFailure } from "../faults/ledger.ts";
import { PASSWORD, ROLE, SCHEMA } from "../faults/stage.ts";
import { type HostsVerdict, judgeHosts } from "./hosts-judge.ts";
import { HostsLoad } from "./hosts-load.ts";

const ROUTES = fileURLToPath(import.meta.resolve("../faults/routes.ts"));
const REQUEST_TIMEOUT_MS = 30_000;
/** How much later than deby the probe may learn that a host takes writes. */
const PROBED_WITHIN_MS = 50;
/** How much later than the probe the last answer of a lost primary may come. */
const LAST_ANSWER_WITHIN_MS = 10;

/** A server of either kind: one that a test runs, or one that Patroni runs. */
export type Host = Pick<PostgresServer, "host" | "port" | "database" | "psql">;

/** Where to look; needs neither to be there nor to be a database. */
export type Address = Pick<Host, "host" | "port">;

/** Roles and tables of the load and of the probe, on a primary. */
export async function prepare(primary: Host): Promise<void> {
  await primary.psql(`${SCHEMA};
    GRANT CREATE ON DATABASE ${primary.database} TO ${ROLE};
    CREATE ROLE ${PROBE_ROLE} LOGIN`);
}

/** The environment that names all hosts to deby. */
export function environmentOf(hosts: readonly Address[], database: string): Record<string, string> {
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(",");
  return { DATABASE_URL: `postgres://${ROLE}:${PASSWORD}@${list}/${database}?target_session_attrs=read-write` };
}

/** How often each id of the load is in the tables of a host. */
export async function readTable(host: Host): Promise<Table> {
  const rows = await host.psql<{ id: string; count: number }>(
    `SELECT id::text AS id, count(*)::int AS count
     FROM (SELECT id FROM fault_row UNION ALL SELECT id FROM deby.canary) AS written GROUP BY id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** The compiled server on several hosts, under load; its health and the hosts are watched. */
export class HostsRun implements AsyncDisposable {
  readonly process: DebyProcess;
  readonly client: FaultClient;
  readonly load: HostsLoad;
  readonly health: HealthWatch;
  readonly probe: WritableProbe;
  readonly url: string;
  readonly #startedAt = performance.now();

  private constructor(process: DebyProcess, url: string, hosts: readonly Address[]) {
    const port = Number(new URL(url).port);
    this.process = process;
    this.url = url;
    this.client = new FaultClient(port, REQUEST_TIMEOUT_MS);
    this.load = new HostsLoad(this.client);
    this.health = new HealthWatch(port);
    this.probe = new WritableProbe(hosts);
  }

  static async start(hosts: readonly Host[], options: Pick<ServeOptions, "env"> = {}): Promise<HostsRun> {
    const { database } = hosts[0] as Host;
    const deby = await serve({
      args: ["--canary", "--routes", ROUTES, "--log-format", "json", "--request-timeout", `${REQUEST_TIMEOUT_MS}ms`],
      env: { ...environmentOf(hosts, database), ...options.env },
    });
    return new HostsRun(deby.process, deby.url, hosts);
  }

  /** When the host was first seen writable, and how much later a write succeeded, in milliseconds. */
  async appLag(host: Address, since: number): Promise<number> {
    const writableAt = await this.probe.writable(host, since);
    const lostAt = this.probe.lastLoss(writableAt) ?? since;
    const from = Math.max(lostAt + LAST_ANSWER_WITHIN_MS, writableAt - PROBED_WITHIN_MS);
    const { endedAt = 0 } = await this.load.firstWrite(from);
    return Math.max(0, endedAt - writableAt);
  }

  /** Ends the load and judges every answer by the tables of the host that is the primary now. */
  async verdict(primary: Host, losses: number): Promise<HostsVerdict> {
    await this.load.stop();
    const verdict = judgeHosts({
      entries: this.client.entries,
      blindReads: this.load.blindReads,
      crashSigns: this.#crashSigns(),
      table: await readTable(primary),
      losses,
    });
    if (verdict.broken.length > 0) console.error(this.describe());
    return verdict;
  }

  /** Does something to the hosts; when that fails, the error tells what happened. */
  async strike<T>(act: () => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      return await act();
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.describe(since)}`, { cause: error });
    }
  }

  /** Log lines of this event. */
  logged(event: string): Record<string, unknown>[] {
    return this.process.lines.flatMap((line) => {
      const fields = parseLine(line);
      return fields?.["event"] === event ? [fields] : [];
    });
  }

  /** Lines that are no log line, or that tell of an error which nobody handled. */
  #crashSigns(): string[] {
    return this.process.lines.filter((line) => {
      const fields = parseLine(line);
      return fields === undefined || fields["event"] === "process.stray-error";
    });
  }

  /** What happened, for whoever has to find out what went wrong. */
  describe(since = this.#startedAt): string {
    const at = (moment: number) => `${Math.round(moment - since)} ms`;
    const healths = this.health.changes.map((one) => `${at(one.at)} ${one.state} ${one.reason ?? ""}`);
    const hosts = this.probe.changes.map((one) => `${at(one.at)} ${one.port} ${one.found}`);
    const failed = this.client.entries.filter(isFailure).slice(0, 20);
    return [
      `health: ${healths.join(", ")}`,
      `hosts: ${hosts.join(", ")}`,
      ...failed.map((entry) => `${at(entry.sentAt)} ${describeEntry(entry)}`),
      ...this.process.lines.slice(-60),
    ].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // deby first: whoever still waits for an answer learns then that none will come.
    await this.process[Symbol.asyncDispose]();
    await this.load[Symbol.asyncDispose]();
    await this.health[Symbol.asyncDispose]();
    await this.probe[Symbol.asyncDispose]();
    this.client[Symbol.dispose]();
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
