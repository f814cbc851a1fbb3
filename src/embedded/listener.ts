import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:net";
import type { Clock } from "../core/clock.ts";
import { Client } from "./client.ts";
import type { Parameters } from "./engine.ts";
import type { Session } from "./session.ts";

/** As in Postgres, max_connections. */
const MAX_CLIENTS = 100;

export interface ListenerOptions {
  readonly clock: Clock;
  readonly session: Session<Client>;
  readonly parameters: Parameters;
  readonly password: string;
}

/** The port, and who has come through it. */
export class Listener {
  readonly #server: Server;
  readonly #clients = new Map<number, Client>();
  #count = 0;

  constructor({ clock, session, parameters, password }: ListenerOptions) {
    const digest = sha256(password);
    this.#server = createServer((socket) => {
      this.#count += 1;
      const id = this.#count;
      const client = new Client(socket, {
        id,
        secret: randomBytes(4).readUInt32BE(),
        clock,
        session,
        parameters,
        isPassword: (text) => timingSafeEqual(sha256(text), digest),
        onCancel: (wantedId, secret) => {
          const wanted = this.#clients.get(wantedId);
          if (wanted?.secret === secret) wanted.cancel();
        },
      });
      if (this.#clients.size >= MAX_CLIENTS) {
        return client.end({ severity: "FATAL", code: "53300", message: "sorry, too many clients already" });
      }
      this.#clients.set(id, client);
      socket.on("close", () => this.#clients.delete(id));
    });
  }

  /** @throws Error EADDRINUSE and the like */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port, exclusive: true }, resolve);
    });
  }

  /** Takes nobody in any more, and tells everybody who is here that the server ends. */
  close(): void {
    this.#server.close();
    const message = "terminating connection due to administrator command";
    for (const client of this.#clients.values()) client.end({ severity: "FATAL", code: "57P01", message });
  }
}

/** Of equal length, so that comparing them tells nothing. */
function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
