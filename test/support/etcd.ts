import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { freePort } from "./ports.ts";
import { makeTempFolder, type TempFolder } from "./temp-folder.ts";
import { waitUntil } from "./wait-until.ts";

const HOST = "127.0.0.1";

/** One etcd on loopback, for Patroni to agree in: `await using etcd = await Etcd.start()`. */
export class Etcd implements AsyncDisposable {
  readonly host = HOST;
  readonly port: number;
  readonly #folder: TempFolder;
  readonly #process: Subprocess;

  /** @throws Error with the end of its log when it is not healthy within 30 s. */
  static async start(): Promise<Etcd> {
    const folder = makeTempFolder("etcd", { inMemory: true });
    const [port, peerPort] = [await freePort(), await freePort()];
    const etcd = new Etcd(folder, port, spawnEtcd(folder.path, port, peerPort));
    try {
      await waitUntil("etcd is healthy", () => etcd.#isHealthy(), { deadlineMs: 30_000 });
      return etcd;
    } catch (error) {
      const log = readFileSync(logOf(folder.path), "utf8");
      await etcd[Symbol.asyncDispose]();
      throw new Error(`Cannot start etcd on port ${port}: ${(error as Error).message}\n${log.slice(-3000)}`);
    }
  }

  private constructor(folder: TempFolder, port: number, process: Subprocess) {
    this.#folder = folder;
    this.port = port;
    this.#process = process;
  }

  /** From now on it answers nobody, until `thaw()`. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  async #isHealthy(): Promise<boolean> {
    const response = await fetch(`http://${HOST}:${this.port}/health`);
    return ((await response.json()) as { health: string }).health === "true";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    await this.#folder[Symbol.asyncDispose]();
  }
}

function logOf(folder: string): string {
  return join(folder, "log");
}

function spawnEtcd(folder: string, port: number, peerPort: number): Subprocess {
  const [clients, peers] = [`http://${HOST}:${port}`, `http://${HOST}:${peerPort}`];
  const log = openSync(logOf(folder), "a");
  const prefix = Bun.which("setpriv") === null ? [] : ["setpriv", "--pdeathsig", "KILL", "--"];
  const child = Bun.spawn(
    [
      ...prefix,
      "etcd",
      ...["--data-dir", join(folder, "data")],
      ...["--listen-client-urls", clients, "--advertise-client-urls", clients],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `default=${peers}`],
    ],
    { cwd: "/", env: { PATH: process.env["PATH"] }, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  return child;
}
