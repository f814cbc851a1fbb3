import { connect, type Socket } from "node:net";
import type { PostgresServer } from "../../support/postgres.ts";
import { startupMessage } from "../../support/startup-message.ts";
import { waitUntil } from "../../support/wait-until.ts";

/** The role of the other client. */
export const GREEDY_ROLE = "greedy";
/** For pg_hba.conf: lets it in without a password, and everybody else with one. */
export const GREEDY_HBA = `host all ${GREEDY_ROLE} 127.0.0.1/32 trust\nhost all all all scram-sha-256`;

const STARTUP = startupMessage({ user: GREEDY_ROLE, database: "postgres" });

/** Another client that takes every connection that it can get, and keeps it. */
export class GreedyClient implements Disposable {
  readonly #port: number;
  readonly #held = new Set<Socket>();
  #isSated = false;
  #refusals = 0;

  /** @param diallers how many connections it asks for at once */
  constructor({ port }: PostgresServer, diallers: number) {
    this.#port = port;
    for (let i = 0; i < diallers; i++) void this.#grab();
  }

  /** Waits until the server has none left, as it says itself (53300). */
  async takeAll(): Promise<void> {
    const before = this.#refusals;
    await waitUntil("the server has no connection left", () => this.#refusals > before);
  }

  [Symbol.dispose](): void {
    this.#isSated = true;
    for (const socket of this.#held) socket.destroy();
  }

  async #grab(): Promise<void> {
    while (!this.#isSated) {
      const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
      const answer = await firstAnswer(socket);
      if (answer !== "in") {
        this.#refusals += 1;
        await Bun.sleep(2);
      } else if (this.#isSated) {
        socket.destroy();
      } else {
        this.#held.add(socket);
        socket.on("close", () => this.#held.delete(socket));
      }
    }
  }
}

/** `in` once the server is ready for statements; else what it said instead. */
function firstAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    socket.on("connect", () => socket.write(STARTUP));
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      // ReadyForQuery, idle.
      if (received.endsWith("Z\0\0\0\u0005I")) resolve("in");
    });
    socket.on("error", (error) => resolve(error.message));
    socket.on("close", () => resolve(received));
  });
}
