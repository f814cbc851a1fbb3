import { connect, type Socket } from "node:net";
import { type Clock, sleep } from "../core/clock.ts";
import { startupMessage } from "./startup-message.ts";
import type { DatabaseEndpoint } from "./target.ts";

/** How many connections are asked for at once. */
const DIALLERS = 8;
const PAUSE_AFTER_REFUSAL_MS = 10;

/**
 * Another client that takes every session the server has to give, and keeps it. It never logs in: a server gives a
 * place away before it asks for a password, and those that are kept for its master too.
 */
export class GreedyClient {
  readonly #endpoint: Pick<DatabaseEndpoint, "host" | "port" | "user" | "database">;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  #isSated = true;
  #refusals = 0;

  constructor(endpoint: Pick<DatabaseEndpoint, "host" | "port" | "user" | "database">, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  /** How many connections it has. */
  get held(): number {
    return this.#sockets.size;
  }

  /** How often it was told that there are too many (53300). */
  get refusals(): number {
    return this.#refusals;
  }

  /** Begins to take what there is, and whatever becomes free. */
  take(): void {
    if (!this.#isSated) return;
    this.#isSated = false;
    this.#refusals = 0;
    for (let dialler = 0; dialler < DIALLERS; dialler++) void this.#takeAll();
  }

  /** Gives everything back. */
  release(): void {
    this.#isSated = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  async #takeAll(): Promise<void> {
    while (!this.#isSated) {
      if (await this.#isLetIn()) continue;
      await sleep(this.#clock, PAUSE_AFTER_REFUSAL_MS);
    }
  }

  #isLetIn(): Promise<boolean> {
    const { host, port, user, database } = this.#endpoint;
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      this.#sockets.add(socket);
      socket.on("connect", () => socket.write(startupMessage(user, database)));
      socket.once("data", (chunk: Buffer) => {
        // The wish for a password, and what follows it, is never answered.
        if (chunk[0] !== "R".charCodeAt(0)) {
          if (chunk.includes("C53300\0")) this.#refusals += 1;
          socket.destroy();
        }
        resolve(chunk[0] === "R".charCodeAt(0));
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        resolve(false);
      });
    });
  }
}
