import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { Secret } from "../config/secret.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { ChildProcess } from "./child-process.ts";
import { EMBEDDED_DATABASE, EMBEDDED_USER } from "./child-protocol.ts";
import { choosePort } from "./choose-port.ts";
import { takeDataHome } from "./data-home.ts";
import type { EmbeddedEndpoint } from "./endpoint.ts";
import { writeServiceFile } from "./service-file.ts";

/** What becomes of the server, for whoever wants to know. */
export type EmbeddedEvent =
  | { readonly type: "ready"; readonly startMs: number }
  /** It ended although it was to run, and is started again after a pause. */
  | { readonly type: "ended"; readonly reason: string; readonly restartInMs: number };

export interface EmbeddedOptions {
  /** Made if it is not there. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent?: (event: EmbeddedEvent) => void;
  /** The words that start deby; default: this very program. */
  readonly command?: readonly string[];
}

interface StopOptions {
  /** Time for an orderly end, in milliseconds; what is not written down then is recovered at the next start. */
  readonly limitMs?: number;
}

const HOST = "127.0.0.1";
const PING_LIMIT_MS = 300;
const STOP_LIMIT_MS = 10_000;
const MIN_RESTART_PAUSE_MS = 100;
const MAX_RESTART_PAUSE_MS = 5_000;
/** A server that ran for so long before it ended was not broken from the start. */
const HEALTHY_AFTER_MS = 10_000;

/**
 * A PostgreSQL server on PGlite, as a child process that can be stopped, killed, frozen and started like any server,
 * always on the same port. One that ends by itself is started again, after a pause that grows.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  readonly endpoint: EmbeddedEndpoint;
  readonly dataDir: string;
  /** The file that tells psql how to reach it. */
  readonly serviceFile: string;
  readonly #options: EmbeddedOptions;
  readonly #resources: DisposableStack;
  readonly #settled = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #isWanted = false;
  #restartPauseMs = MIN_RESTART_PAUSE_MS;
  #restartTimer: Timer | undefined;

  private constructor(
    options: EmbeddedOptions,
    parts: { dataDir: string; endpoint: EmbeddedEndpoint; serviceFile: string; resources: DisposableStack },
  ) {
    this.#options = options;
    this.#resources = parts.resources;
    this.endpoint = parts.endpoint;
    this.dataDir = parts.dataDir;
    this.serviceFile = parts.serviceFile;
  }

  /**
   * Takes the data folder and starts the server in it; resolves before it takes connections, see `settled`.
   * @throws DebyError CANNOT_RUN where the folder cannot be used
   */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const dataDir = resolve(options.dataDir);
    const resources = new DisposableStack();
    try {
      resources.use(takeDataHome(dataDir));
      const endpoint: EmbeddedEndpoint = {
        host: HOST,
        port: await choosePort(HOST, options.random),
        user: EMBEDDED_USER,
        // Everybody on this machine can reach the port.
        password: new Secret(randomBytes(18).toString("base64url")),
        database: EMBEDDED_DATABASE,
      };
      const { path: serviceFile } = resources.use(writeServiceFile(dataDir, endpoint));
      const postgres = new EmbeddedPostgres(options, { dataDir, endpoint, serviceFile, resources });
      postgres.start();
      return postgres;
    } catch (error) {
      resources.dispose();
      throw error;
    }
  }

  /** Resolves when the server takes connections for the first time, or has ended before it did. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Of the server's process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Whether the server lives and works, though it may keep a client waiting: asked over the channel to its process,
   * where a statement is in nobody's way. False when it is gone or frozen.
   */
  async isBusy(): Promise<boolean> {
    const answer = await this.#child?.ping(PING_LIMIT_MS);
    return answer?.isBusy ?? false;
  }

  /** Whether the server's process answers at all; false when it is gone or frozen. */
  async isResponding(): Promise<boolean> {
    return (await this.#child?.ping(PING_LIMIT_MS)) !== undefined;
  }

  /** Starts the server if it does not run. It takes connections some time later. */
  start(): void {
    this.#isWanted = true;
    if (this.#child === undefined) this.#spawn();
  }

  /** Ends the server in an orderly way, at last by force; resolves when it has ended. It stays away until `start`. */
  async stop({ limitMs = STOP_LIMIT_MS }: StopOptions = {}): Promise<void> {
    this.#isWanted = false;
    this.#restartTimer?.cancel();
    const child = this.#child;
    if (child === undefined) return;
    child.requestStop();
    const timer = this.#options.clock.after(limitMs, () => child.signal("SIGKILL"));
    await child.ended;
    timer.cancel();
  }

  /** Ends the server by force, as a crash would. It stays away until `start`. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    this.#restartTimer?.cancel();
    this.#child?.signal("SIGKILL");
    await this.#child?.ended;
  }

  /** Stops the server's process in its tracks: the kernel still accepts connections, nothing is answered. */
  freeze(): void {
    this.#child?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#child?.signal("SIGCONT");
  }

  /** Ends the server for good and gives the data folder back. */
  async close(options: StopOptions = {}): Promise<void> {
    await this.stop(options);
    this.#resources.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #spawn(): void {
    const { clock, onEvent, command } = this.#options;
    const startedAt = clock.now();
    const { port, password } = this.endpoint;
    let isReady = false;
    const onReady = (): void => {
      isReady = true;
      onEvent?.({ type: "ready", startMs: clock.now() - startedAt });
      this.#settled.resolve();
    };
    const options = { folder: this.dataDir, port, password, clock, onReady };
    const child = new ChildProcess(command === undefined ? options : { ...options, command });
    this.#child = child;
    void child.ended.then((reason) => {
      this.#child = undefined;
      this.#settled.resolve();
      const wasHealthy = isReady && clock.now() - startedAt >= HEALTHY_AFTER_MS;
      if (wasHealthy) this.#restartPauseMs = MIN_RESTART_PAUSE_MS;
      if (this.#isWanted) this.#spawnLater(reason);
    });
  }

  #spawnLater(reason: string): void {
    const { clock, onEvent } = this.#options;
    const restartInMs = this.#restartPauseMs;
    this.#restartPauseMs = Math.min(restartInMs * 2, MAX_RESTART_PAUSE_MS);
    onEvent?.({ type: "ended", reason, restartInMs });
    this.#restartTimer = clock.after(restartInMs, () => {
      try {
        this.#spawn();
      } catch (error) {
        // No process could be made of it; the next one may be.
        this.#spawnLater((error as Error).message);
      }
    });
  }
}
