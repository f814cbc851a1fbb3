import { appendFileSync, chmodSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Subprocess } from "bun";
import postgres from "postgres";
import { isCi } from "./ci.ts";
import { freePort } from "./ports.ts";
import { freezeProcess, signalQuietly } from "./postgres-processes.ts";
import type { PostgresServer } from "./postgres-server.ts";
import type { Row } from "./postgres-sql.ts";
import { DATABASE } from "./postgres-template.ts";
import { postgresUser } from "./postgres-user.ts";
import { makeTempFolder, type TempFolder } from "./temp-folder.ts";
import { waitUntil, within } from "./wait-until.ts";

const binary = Bun.which("pgbouncer") ?? "/usr/sbin/pgbouncer";

/** For `describe.skipIf(!pgBouncerAvailable)`; with CI=true it is missed where it is not there. */
export const pgBouncerAvailable: boolean = isCi || existsSync(binary);

export interface PgBouncerOptions {
  /** Default `transaction`. */
  readonly poolMode?: "session" | "transaction";
  /** Lines for the section [pgbouncer], over those that are there. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Who may log in, by name and password, which is also what PgBouncer logs in to the server with. */
  readonly users?: Readonly<Record<string, string>>;
  /** Where it looks for the server, such as a proxy in front of it. Default: the server's own port. */
  readonly serverPort?: number;
}

const ADMIN = "pooler_admin";
const ADMIN_PASSWORD = "pooler-admin-password";

const DEFAULT_SETTINGS = {
  listen_addr: "127.0.0.1",
  unix_socket_dir: "",
  auth_type: "scram-sha-256",
  admin_users: ADMIN,
  logfile: "",
  pidfile: "",
  max_client_conn: 200,
  // Room for a pool of 20, and for what sees to it.
  default_pool_size: 25,
} as const;

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;

/** A PgBouncer of a test's own in front of a server: `await using pooler = await startPgBouncer(server)`. */
export async function startPgBouncer(server: PostgresServer, options: PgBouncerOptions = {}): Promise<PgBouncer> {
  if (!existsSync(binary)) throw new Error("Cannot find PgBouncer: apt-get install pgbouncer");
  const folder = makeTempFolder("pgbouncer", { owner: postgresUser() });
  const pooler = new PgBouncer(folder, server, await freePort());
  try {
    pooler.configure(options);
    await pooler.start();
    return pooler;
  } catch (error) {
    await pooler[Symbol.asyncDispose]();
    throw error;
  }
}

/** In the hands of a test, which may stop, kill and freeze it. */
export class PgBouncer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #folder: TempFolder;
  readonly #server: PostgresServer;
  #options: PgBouncerOptions = {};
  #process: Subprocess | undefined;

  constructor(folder: TempFolder, server: PostgresServer, port: number) {
    this.#folder = folder;
    this.#server = server;
    this.port = port;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Everything that it has logged. */
  get log(): string {
    return existsSync(this.#path("log")) ? readFileSync(this.#path("log"), "utf8") : "";
  }

  /** Writes its files anew, over what was asked for before; takes effect at the next `start()` or `reload()`. */
  configure(options: PgBouncerOptions): void {
    const settings = { ...this.#options.settings, ...options.settings };
    this.#options = { ...this.#options, ...options, settings };
    const { poolMode = "transaction", serverPort = this.#server.port, users } = this.#options;
    const all = {
      ...DEFAULT_SETTINGS,
      listen_port: this.port,
      auth_file: this.#path("users"),
      pool_mode: poolMode,
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
    const target = `host=${this.#server.host} port=${serverPort} dbname=${DATABASE}`;
    this.#write("pgbouncer.ini", `[databases]\n${DATABASE} = ${target}\n[pgbouncer]\n${lines.join("")}`);
    const everybody = { [this.#server.user]: this.#server.password, ...users, [ADMIN]: ADMIN_PASSWORD };
    this.#write(
      "users",
      Object.entries(everybody)
        .map((pair) => `${pair.map((word) => `"${word}"`).join(" ")}\n`)
        .join(""),
    );
  }

  async start(): Promise<void> {
    if (this.isRunning) throw new Error("PgBouncer runs already");
    const log = openSync(this.#path("log"), "a");
    this.#process = Bun.spawn([...postgresUser().prefix, binary, this.#path("pgbouncer.ini")], {
      cwd: "/",
      env: { TZ: "UTC" },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    try {
      await waitUntil("PgBouncer listens", () => this.#listens(), { deadlineMs: START_DEADLINE_MS });
    } catch (error) {
      throw new Error(`Cannot start PgBouncer on port ${this.port}: ${(error as Error).message}\n${this.log}`);
    }
  }

  /** Ends it at once, as its service manager does; clients are told nothing. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.thaw();
    this.#process?.kill("SIGTERM");
    await within("PgBouncer has stopped", STOP_DEADLINE_MS, this.#exited());
  }

  async kill9(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await within("PgBouncer is gone", STOP_DEADLINE_MS, this.#exited());
  }

  /** SIGSTOP: its kernel goes on accepting and acknowledging for it. */
  freeze(): Promise<void> {
    return freezeProcess(this.#pid);
  }

  thaw(): void {
    signalQuietly(this.#pid, "SIGCONT");
  }

  /** Makes it read its files. */
  async reload(): Promise<void> {
    await this.admin("RELOAD");
  }

  /** Runs a command of the admin console, such as `SHOW POOLS` or `PAUSE`, and returns its rows. */
  async admin<T extends Row = Row>(command: string): Promise<T[]> {
    const client = postgres({
      host: this.host,
      port: this.port,
      user: ADMIN,
      password: ADMIN_PASSWORD,
      database: "pgbouncer",
      max: 1,
      fetch_types: false,
      onnotice: () => {},
    });
    try {
      return [...(await within(`an answer to ${command}`, 5000, client.unsafe<T[]>(command).simple()))];
    } finally {
      await client.end({ timeout: 1 });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.kill9();
    await this.#folder[Symbol.asyncDispose]();
  }

  get #pid(): number {
    if (this.#process === undefined || !this.isRunning) throw new Error("PgBouncer is not running");
    return this.#process.pid;
  }

  async #exited(): Promise<void> {
    await this.#process?.exited;
  }

  #listens(): Promise<boolean> {
    if (!this.isRunning) throw new Error(`PgBouncer ended with ${this.#process?.exitCode}`);
    return new Promise((resolve) => {
      const socket = connect({ host: this.host, port: this.port });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }

  #path(name: string): string {
    return join(this.#folder.path, name);
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#path(name), "");
    // The folder is this test's alone; PgBouncer runs as another user.
    chmodSync(this.#path(name), 0o644);
    appendFileSync(this.#path(name), text);
  }
}
