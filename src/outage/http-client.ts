import { connect, type Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.ts";
import { type HttpAnswer, HttpAnswerParser } from "./http-answer.ts";

export type { HttpAnswer } from "./http-answer.ts";

/** Why a request got no answer: its limit passed, the other side dropped it, or its signal fired. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly ending: "hung" | "dropped" | "cut";
  /** The socket's code, such as ECONNRESET. */
  readonly code: string;

  constructor(ending: NoAnswer["ending"], code: string) {
    super(`No answer: ${ending} (${code})`);
    this.ending = ending;
    this.code = code;
  }
}

export interface HttpRequest {
  readonly method: "GET" | "PUT";
  readonly path: string;
  /** Longest wait for the whole answer, in milliseconds. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpClientOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
}

/** A kept-alive connection is not used again after so long: the server may be about to close it. */
const REUSE_WITHIN_MS = 3_000;

interface IdleSocket {
  readonly socket: Socket;
  readonly since: number;
}

/**
 * An HTTP/1.1 client that sends each request exactly once and never queues one, which a measurement needs and `fetch`
 * does not give: it repeats a request whose kept-alive connection was closed, and sends at most 256 at a time.
 */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #idle: IdleSocket[] = [];
  readonly #open = new Set<Socket>();

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Sends a request without a body. @throws NoAnswer */
  request({ method, path, limitMs, signal }: HttpRequest): Promise<HttpAnswer> {
    const { clock, host, port } = this.#options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new NoAnswer("cut", "ABORT_ERR"));
      const socket = this.#take();
      const parser = new HttpAnswerParser();
      let timer: Timer | undefined;

      const release = (): void => {
        timer?.cancel();
        signal?.removeEventListener("abort", onAbort);
        socket.off("data", onData).off("error", onError).off("close", onClose);
      };
      const fail = (error: NoAnswer): void => {
        release();
        this.#destroy(socket);
        reject(error);
      };
      const onAbort = (): void => fail(new NoAnswer("cut", "ABORT_ERR"));
      const onError = (error: Error & { code?: string }): void => fail(new NoAnswer("dropped", error.code ?? "ERROR"));
      const onClose = (): void => fail(new NoAnswer("dropped", "CLOSED"));
      const onData = (chunk: Uint8Array): void => {
        try {
          const answer = parser.push(chunk);
          if (answer === undefined) return;
          release();
          if (answer.keepAlive) this.#park(socket);
          else this.#destroy(socket);
          resolve(answer);
        } catch {
          fail(new NoAnswer("dropped", "GARBLED"));
        }
      };

      timer = clock.after(limitMs, () => fail(new NoAnswer("hung", "ETIMEDOUT")));
      signal?.addEventListener("abort", onAbort);
      socket.on("data", onData).on("error", onError).on("close", onClose);
      const body = method === "PUT" ? "Content-Length: 0\r\n" : "";
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nAccept: application/json\r\n${body}\r\n`);
    });
  }

  /** Closes every connection; what is under way is dropped. */
  [Symbol.dispose](): void {
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
    this.#idle.length = 0;
  }

  /** The connection used last, or a new one. */
  #take(): Socket {
    const { clock, host, port } = this.#options;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.socket.off("error", ignore).off("data", ignore);
      if (!idle.socket.destroyed && clock.now() - idle.since < REUSE_WITHIN_MS) return idle.socket;
      this.#destroy(idle.socket);
    }
    const socket = connect({ host, port, noDelay: true });
    this.#open.add(socket);
    socket.once("close", () => this.#forget(socket));
    return socket;
  }

  #park(socket: Socket): void {
    socket.on("error", ignore).on("data", ignore);
    this.#idle.push({ socket, since: this.#options.clock.now() });
  }

  #destroy(socket: Socket): void {
    socket.on("error", ignore);
    socket.destroy();
    this.#forget(socket);
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    const index = this.#idle.findIndex((idle) => idle.socket === socket);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}

function ignore(): void {}
