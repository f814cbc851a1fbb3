import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { waitUntil } from "./wait-until.ts";

/** A socket together with everything that happened to it. */
export class SocketLog implements Disposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #errorCode: string | undefined;
  #hasEnded = false;
  #isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#errorCode = error.code ?? error.message;
    });
    socket.on("end", () => {
      this.#hasEnded = true;
    });
    socket.on("close", () => {
      this.#isClosed = true;
    });
  }

  static dial(port: number): SocketLog {
    return new SocketLog(connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true }));
  }

  get received(): Buffer {
    return this.#received;
  }

  /** The received bytes as text. */
  get text(): string {
    return this.#received.toString("latin1");
  }

  /** How the connection stands, as its owner sees it: an error's code, or the milder ends. */
  get state(): string {
    if (this.#errorCode !== undefined) return this.#errorCode;
    if (this.#hasEnded) return "ended";
    return this.#isClosed ? "closed" : "open";
  }

  async waitForText(text: string, deadlineMs = 2000): Promise<void> {
    await waitUntil(`the text ${text}`, () => this.text === text, { deadlineMs, everyMs: 2 });
  }

  async waitForState(state: string, deadlineMs = 2000): Promise<void> {
    await waitUntil(`the state ${state}`, () => this.state === state, { deadlineMs, everyMs: 2 });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A TCP server that keeps what it accepts, for a test to look at and to answer on. */
export class SocketLogServer implements AsyncDisposable {
  readonly accepted: SocketLog[] = [];
  readonly #server: Server;

  static async listen(): Promise<SocketLogServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SocketLogServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.accepted.push(new SocketLog(socket)));
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The server does not listen");
    return address.port;
  }

  async accept(index: number): Promise<SocketLog> {
    return await waitUntil(`connection ${index}`, () => this.accepted[index], { everyMs: 2 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const { socket } of this.accepted) socket.destroy();
  }
}
