import { connect } from "node:net";
import { startupMessage } from "./startup-message.ts";

/**
 * What a server does with a bare start-up message: `ready` asks for authentication, lets in, or says who may come;
 * `refused` nobody listens; `turned-away` it answers that it takes none now, such as 57P03 while starting; `closed` and
 * `reset` it ended the connection without a word, in an orderly way or not; `mute` it was silent, or speaks another
 * language.
 */
export type ProbeResult = "ready" | "refused" | "turned-away" | "closed" | "reset" | "mute";

/** A server that wants TLS turns away whoever asks for a session without it, but says to everybody whether it has TLS. */
export type ProbeQuestion = "session" | "tls";

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Default: a session. */
  readonly asks?: ProbeQuestion;
  /** Longest wait for the first byte of an answer, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Asks a PostgreSQL server for a session with nothing but a socket, so that the finding owes nothing to the pool or
 * the driver under test. Never logs in: the server's wish for a password proves that it takes sessions.
 * Source: PostgreSQL, Frontend/Backend Protocol, Message Flow, Start-up.
 */
export function probeRaw({ host, port, user, database, asks, limitMs }: ProbeOptions): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => finish("mute"), limitMs);
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
      socket.destroy();
    };
    socket.on("connect", () => socket.write(asks === "tls" ? SSL_REQUEST : startupMessage(user, database)));
    socket.on("data", (chunk: Uint8Array) => finish(readAnswer(chunk, asks)));
    socket.on("error", (error: Error & { code?: string }) => finish(readSocketError(error.code)));
    socket.on("end", () => finish("closed"));
    socket.on("close", () => finish("closed"));
  });
}

function readSocketError(code: string | undefined): ProbeResult {
  switch (code) {
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
    case "EPIPE":
      return "reset";
    default:
      return "mute";
  }
}

/** Source: PostgreSQL, Frontend/Backend Protocol, SSL Session Encryption. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** The SQLSTATE of an error: it starts, stops or recovers (57P0x), or has no place left (53xxx). */
const NO_SESSION = /\0C(57P|53)/;

function readAnswer(chunk: Uint8Array, asks: ProbeQuestion | undefined): ProbeResult {
  const text = new TextDecoder("latin1").decode(chunk);
  switch (text[0]) {
    case "R":
      return "ready";
    case "S":
    case "N":
      return asks === "tls" ? "ready" : "mute";
    case "E":
      // Whatever else it says, such as that it wants TLS from us (28000), it would not say without taking sessions.
      return NO_SESSION.test(text) ? "turned-away" : "ready";
    default:
      return "mute";
  }
}
