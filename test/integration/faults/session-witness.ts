import { connect, type Socket } from "node:net";
import type { PostgresServer } from "../../support/postgres.ts";
import { startupMessage } from "../../support/startup-message.ts";
import { waitUntil, within } from "../../support/wait-until.ts";

const SESSIONS = 10;

/** Sessions that belong to nobody and do nothing: they tell when a server that goes closes its sockets. */
export class SessionWitness implements Disposable {
  readonly #sockets: readonly Socket[];
  #firstClosedAt: number | undefined;

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.on("close", () => {
        this.#firstClosedAt ??= performance.now();
      });
    }
  }

  /** Resolves when each has a backend, which waits for a password that never comes. */
  static async open({ host, port, database }: PostgresServer, user: string): Promise<SessionWitness> {
    const asked = Array.from({ length: SESSIONS }, () => {
      const socket = connect({ host, port, noDelay: true });
      socket.on("error", () => {});
      socket.write(startupMessage({ user, database }));
      return new Promise<Socket>((resolve) => socket.once("data", () => resolve(socket)));
    });
    return new SessionWitness(await within("the witnesses have their sessions", 5000, Promise.all(asked)));
  }

  /** When the first was closed, by `performance.now()`. */
  closed(): Promise<number> {
    return waitUntil("the server closes its sockets", () => this.#firstClosedAt, { everyMs: 1 });
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
