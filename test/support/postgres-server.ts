import { appendFileSync, chownSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import {
  freezeServer,
  killServer,
  readPidFile,
  releaseSharedMemory,
  signalQuietly,
  thawServer,
} from "./postgres-processes.ts";
import { ADMIN_HBA, ADMIN_IDENT, type Row, runSql, type SqlOptions } from "./postgres-sql.ts";
import { DATABASE } from "./postgres-template.ts";
import type { PostgresUser } from "./postgres-user.ts";
import type { TempFolder } from "./temp-folder.ts";
import { waitUntil, within } from "./wait-until.ts";

export interface ServerConfiguration {
  /** Lines for postgresql.conf, over those that are there. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Replaces pg_hba.conf, except for the line that lets `psql()` in. */
  readonly hba?: string;
  /** Files for the data folder, such as server.key, for the server's eyes only. */
  readonly files?: Readonly<Record<string, string>>;
}

/** As `pg_ctl stop -m` names and signals them. */
const STOP_SIGNALS = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;
export type StopMode = keyof typeof STOP_SIGNALS;

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 30_000;

/** Where a server lives and what it is made of. */
export interface Installation {
  readonly folder: TempFolder;
  readonly bin: string;
  readonly runAs: PostgresUser;
  readonly password: string;
}

/** A Postgres server in the hands of a test, which may stop, kill and freeze it. */
export class PostgresServer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly user = "postgres";
  readonly password: string;
  readonly database = DATABASE;
  readonly dataDir: string;
  /** For connections over a Unix socket; `port` is part of the socket's name. */
  readonly socketDir: string;
  readonly #installation: Installation;
  #port = 0;
  #process: Subprocess | undefined;
  #isFrozen = false;

  constructor(installation: Installation) {
    this.#installation = installation;
    this.password = installation.password;
    this.socketDir = installation.folder.path;
    this.dataDir = join(installation.folder.path, "data");
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `postgres://${this.user}:${encodeURIComponent(this.password)}@${this.host}:${this.port}/${this.database}`;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get postmasterPid(): number {
    if (this.#process === undefined || !this.isRunning) throw new Error("The server is not running");
    return this.#process.pid;
  }

  /** Everything that the server has logged. */
  get log(): string {
    return readFileSync(this.#logFile, "utf8");
  }

  get #logFile(): string {
    return join(this.socketDir, "log");
  }

  /** Changes the server's files; takes effect at the next `start()` or, for what can be reloaded, `reload()`. */
  configure({ settings = {}, hba, files = {} }: ServerConfiguration): void {
    const { port } = settings;
    const all = { unix_socket_directories: this.socketDir, ...settings };
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
    appendFileSync(join(this.dataDir, "postgresql.conf"), lines.join(""));
    if (port !== undefined) this.#port = Number(port);
    if (hba !== undefined) {
      this.#writeFile("pg_hba.conf", `${ADMIN_HBA}\n${hba}\n`);
      this.#writeFile("pg_ident.conf", `${ADMIN_IDENT}\n`);
    }
    for (const [name, text] of Object.entries(files)) this.#writeFile(name, text);
  }

  #writeFile(name: string, text: string): void {
    const path = join(this.dataDir, name);
    writeFileSync(path, text, { mode: 0o600 });
    const { uid, gid } = this.#installation.runAs;
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  }

  /** Makes the running server read its configuration, and waits until it has. */
  async reload(): Promise<void> {
    const loadedAt = async () => (await this.psql<{ at: string }>("SELECT pg_conf_load_time()::text AS at"))[0]?.at;
    const before = await loadedAt();
    process.kill(this.postmasterPid, "SIGHUP");
    await waitUntil("the server has read its configuration", async () => (await loadedAt()) !== before);
  }

  /** Starts the server and resolves when it accepts connections; `args` are more of its command line. */
  async start(args: readonly string[] = []): Promise<void> {
    if (this.isRunning) throw new Error("The server runs already");
    const { bin, runAs } = this.#installation;
    const log = openSync(this.#logFile, "a");
    this.#process = Bun.spawn([...runAs.prefix, join(bin, "postgres"), "-D", this.dataDir, ...args], {
      cwd: "/",
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#isFrozen = false;
    running.add(this);
    await this.waitReady();
  }

  /**
   * Resolves when the server accepts connections, as the postmaster itself notes it in its pid file.
   * @throws Error with the end of the log when the server stops instead, or is not ready in 30 s.
   */
  async waitReady(): Promise<void> {
    const started = this.#process;
    try {
      await waitUntil(
        "the server accepts connections",
        () => {
          if (!this.isRunning) return "stopped";
          const lines = readPidFile(this.dataDir);
          return Number(lines[0]) === started?.pid && /^(ready|standby)/.test(lines[7] ?? "") && "ready";
        },
        { deadlineMs: START_DEADLINE_MS, everyMs: 5 },
      ).then((end) => {
        if (end === "stopped") throw new Error(`The server stopped: exit code ${started?.exitCode}`);
      });
    } catch (error) {
      const tail = readIfThere(this.#logFile).split("\n").slice(-20).join("\n");
      throw new Error(`Cannot start Postgres on port ${this.port}: ${(error as Error).message}\n${tail}`);
    }
  }

  /** Stops the server and resolves when its processes are gone; a server that does not run is left alone. */
  async stop(mode: StopMode = "fast"): Promise<void> {
    const stopped = this.#process;
    if (stopped === undefined || !this.isRunning) return;
    if (this.#isFrozen) this.thaw();
    stopped.kill(STOP_SIGNALS[mode]);
    await within(`the server has stopped (${mode})`, STOP_DEADLINE_MS, stopped.exited);
    running.delete(this);
  }

  /** SIGKILL for the postmaster; resolves when its children are gone too. */
  async kill9(): Promise<void> {
    const killed = this.postmasterPid;
    await killServer(this.dataDir, killed, this.#isFrozen ? 0 : undefined);
    await this.#process?.exited;
    running.delete(this);
  }

  /** SIGSTOP for every process: connections are still accepted by the kernel, and nothing is ever answered. */
  async freeze(): Promise<void> {
    this.#isFrozen = true;
    await freezeServer(this.dataDir, this.postmasterPid);
  }

  thaw(): void {
    thawServer(this.dataDir, this.postmasterPid);
    this.#isFrozen = false;
  }

  /** Runs SQL as `postgres` on a connection of its own, and returns the last statement's rows. */
  psql<T extends Row = Row>(sql: string, options?: SqlOptions): Promise<T[]> {
    return runSql<T>(this, sql, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate").catch(() => this.kill9());
    releaseSharedMemory(this.dataDir, this.#installation.runAs);
    await this.#installation.folder[Symbol.asyncDispose]();
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** On Linux a server dies with the process that started it; elsewhere this has to do. */
const running = new Set<PostgresServer>();
process.on("exit", () => {
  for (const server of running) if (server.isRunning) signalQuietly(server.postmasterPid, "SIGQUIT");
});
