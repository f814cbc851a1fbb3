import { chownSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { killServer, readPidFile, releaseSharedMemory, serverProcesses, signalQuietly } from "./postgres-processes.ts";
import { type Row, runSql, type SqlOptions } from "./postgres-sql.ts";
import { DATABASE, TEMPLATE_PASSWORD } from "./postgres-template.ts";
import type { PostgresUser } from "./postgres-user.ts";
import type { TempFolder } from "./temp-folder.ts";
import { waitUntil } from "./wait-until.ts";

interface Member {
  readonly name: string;
  readonly role: string;
}

/** How long Patroni's REST interface may take to answer a question. */
const ANSWER_LIMIT_MS = 2000;

export interface NodePlace {
  readonly name: string;
  readonly folder: TempFolder;
  readonly runAs: PostgresUser;
  readonly port: number;
  readonly restPort: number;
}

/** One Patroni and the Postgres that it runs. */
export class PatroniNode implements AsyncDisposable {
  readonly name: string;
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly user = "postgres";
  readonly password = TEMPLATE_PASSWORD;
  readonly database = DATABASE;
  readonly socketDir: string;
  readonly dataDir: string;
  readonly restPort: number;
  readonly #place: NodePlace;
  #process: Subprocess | undefined;

  constructor(place: NodePlace) {
    this.#place = place;
    this.name = place.name;
    this.port = place.port;
    this.restPort = place.restPort;
    this.socketDir = place.folder.path;
    this.dataDir = join(place.folder.path, "data");
  }

  /** Patroni's own log and that of its Postgres, in one. */
  get log(): string {
    return readFileSync(join(this.socketDir, "log"), "utf8");
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Starts Patroni, which starts Postgres in its own time. */
  start(configuration?: Readonly<Record<string, unknown>>): void {
    const { folder, runAs } = this.#place;
    const file = join(folder.path, "patroni.json");
    if (configuration !== undefined) {
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
      if (process.getuid?.() === 0) chownSync(file, runAs.uid, runAs.gid);
    }
    const log = openSync(join(folder.path, "log"), "a");
    this.#process = Bun.spawn([...runAs.prefix, "patroni", file], {
      cwd: "/",
      env: { PATH: process.env["PATH"], HOME: folder.path, LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
  }

  /** Kills Patroni and its Postgres at once, as a machine that loses its power. */
  async kill9(): Promise<void> {
    const postmaster = this.#postmasterPid();
    const killed = this.killPatroni();
    if (postmaster !== undefined) await killServer(this.dataDir, postmaster, 0);
    await killed;
  }

  /** Kills Patroni alone: its Postgres goes on, and nobody tells it that another leads. */
  async killPatroni(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Whether this node holds the leader's lock, by its own word. */
  async isLeader(): Promise<boolean> {
    if (!this.isRunning) return false;
    return (await this.ask("GET", "/leader", { limitMs: ANSWER_LIMIT_MS })).ok;
  }

  /** Both nodes, as this one sees them. */
  async members(): Promise<readonly Member[]> {
    const answer = await this.ask("GET", "/cluster", { limitMs: ANSWER_LIMIT_MS });
    return ((await answer.json()) as { members: Member[] }).members;
  }

  /** A request to Patroni's REST interface. */
  ask(method: string, path: string, { body, limitMs }: AskOptions): Promise<Response> {
    return fetch(`http://${this.host}:${this.restPort}${path}`, {
      method,
      signal: AbortSignal.timeout(limitMs),
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  /** Runs SQL as `postgres` on a connection of its own, and returns the last statement's rows. */
  psql<T extends Row = Row>(sql: string, options?: SqlOptions): Promise<T[]> {
    return runSql<T>(this, sql, options);
  }

  #postmasterPid(): number | undefined {
    const pid = Number(readPidFile(this.dataDir)[0]);
    return serverProcesses(this.dataDir, pid).includes(pid) ? pid : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Patroni first, or it would start Postgres again.
    await this.killPatroni();
    const left = () => serverProcesses(this.dataDir, 0);
    const postmaster = this.#postmasterPid();
    if (postmaster !== undefined) signalQuietly(postmaster, "SIGQUIT");
    await waitUntil(`the processes of ${this.name} are gone`, () => left().length === 0).catch(() => {
      for (const pid of left()) signalQuietly(pid, "SIGKILL");
    });
    releaseSharedMemory(this.dataDir, this.#place.runAs);
    await this.#place.folder[Symbol.asyncDispose]();
  }
}

interface AskOptions {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly limitMs: number;
}
