import { connect, type Socket } from "node:net";
import { freePort } from "./ports.ts";
import { within } from "./wait-until.ts";

/** A dial on loopback that takes longer is not answered at all. */
const ANSWERED_WITHIN_MS = 300;
/** Far more than any backlog that Bun asks for, which reads no `backlog` (Bun 1.4.5). */
const MAX_FILLERS = 5000;

const LISTENER = `
  require("node:net").createServer().listen(
    { host: "127.0.0.1", port: Number(process.argv[1]) },
    () => process.stdout.write("listening"),
  );`;

/**
 * An address that drops whoever dials it, as a firewall does: a frozen listener with a full backlog, whose kernel
 * answers no SYN any more. Needs neither root nor another network.
 */
export class BlackHole implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #listener: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #fillers: Socket[] = [];

  /** @throws Error where the kernel goes on answering. */
  static async open(): Promise<BlackHole> {
    const hole = new BlackHole(await freePort());
    try {
      await hole.#fill();
      return hole;
    } catch (error) {
      await hole[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(port: number) {
    this.port = port;
    this.#listener = Bun.spawn([process.execPath, "-e", LISTENER, String(port)], {
      env: { BUN_BE_BUN: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  async #fill(): Promise<void> {
    await within("the listener listens", 10_000, this.#listener.stdout.getReader().read());
    this.#listener.kill("SIGSTOP");
    while (this.#fillers.length < MAX_FILLERS) {
      if (!(await this.#isAnswered())) return;
    }
    throw new Error(`Cannot fill the backlog of port ${this.port} with ${MAX_FILLERS} connections`);
  }

  async #isAnswered(): Promise<boolean> {
    const socket = connect({ host: this.host, port: this.port });
    this.#fillers.push(socket);
    socket.on("error", () => {});
    const connected = new Promise<true>((resolve) => socket.once("connect", () => resolve(true)));
    return await Promise.race([connected, Bun.sleep(ANSWERED_WITHIN_MS).then(() => false)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    this.#listener.kill("SIGKILL");
    await this.#listener.exited;
  }
}
