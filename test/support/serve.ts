import { type DebyOptions, type DebyProcess, spawnDeby } from "./executable.ts";
import { freePort } from "./ports.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { waitUntil } from "./wait-until.ts";

export interface ServeOptions extends DebyOptions {
  readonly args?: readonly string[];
  /** Health state to wait for. Default `up`; `listening` waits only for the listener. */
  readonly until?: "up" | "listening";
}

/** A `deby serve` of the compiled executable on a free port, ended with the test. */
export class ServedDeby implements AsyncDisposable {
  readonly url: string;
  readonly process: DebyProcess;

  constructor(url: string, process: DebyProcess) {
    this.url = url;
    this.process = process;
  }

  /** @throws Error with the end of deby's output when it does not answer at all. */
  async fetch(path: string, init?: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.url}${path}`, init);
    } catch (error) {
      const tail = this.process.lines.slice(-30).join("\n");
      throw new Error(`deby did not answer ${path}: ${(error as Error).message}\n${tail}`, { cause: error });
    }
  }

  /** The health body, whatever its status. */
  async health(): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await this.fetch("/api/health");
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** Waits until health tells this state. */
  waitForState(state: string, deadlineMs = 10_000): Promise<true> {
    const look = async () => (await this.health()).body["state"] === state;
    return waitUntil(`health tells ${state}`, look, { deadlineMs });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

/** The environment that names a server as the old system's `.env` does. */
export function postgresEnvironment(server: PostgresServer): Record<string, string> {
  return {
    POSTGRES_HOST: server.host,
    POSTGRES_PORT: String(server.port),
    POSTGRES_DB: server.database,
    POSTGRES_USER: server.user,
    POSTGRES_PASSWORD: server.password,
  };
}

/** `await using deby = await startServe(server)`; ready when health says so. */
export function startServe(server: PostgresServer, options: ServeOptions = {}): Promise<ServedDeby> {
  return serve({ ...options, env: { ...postgresEnvironment(server), ...options.env } });
}

/** As `startServe`, on a database that arguments or environment name. */
export async function serve(options: ServeOptions): Promise<ServedDeby> {
  const port = await freePort();
  const process = await spawnDeby(["serve", "--port", String(port), ...(options.args ?? [])], options);
  const deby = new ServedDeby(`http://127.0.0.1:${port}`, process);
  try {
    const isReady = async () => {
      const { body } = await deby.health();
      return options.until === "listening" || body["state"] === "up";
    };
    await waitUntil("deby serves", isReady, { deadlineMs: 15_000 });
    return deby;
  } catch (error) {
    const output = process.lines.join("\n");
    await deby[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${output}`);
  }
}
