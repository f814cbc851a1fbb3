import { connect } from "node:net";
import { startupMessage } from "./startup-message.ts";

/**
 * What a server does with a bare start-up message: `ready` asks for authentication or lets in; `refused` nobody
 * listens; `turned-away` it answers with an error, such as 57P03 while starting; `closed` and `reset` it ended the
 * connection without a word, in an orderly way or not; `mute` it was silent, or speaks another language.
 */
export type ProbeResult = "ready" | "refused" | "turned-away" | "closed" | "reset" | "mute";

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Longest wait for the first byte of an answer, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Asks a PostgreSQL server for a session with nothing but a socket, so that the finding owes nothing to the pool or
 * the driver under test. Never logs in: the server's wish for a password proves that it takes sessions.
 * Source: PostgreSQL, Frontend/Backend Protocol, Message Flow, Start-up.
 */
export function probeRaw({ host, port, user, database, limitMs }: ProbeOptions): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => finish("mute"), limitMs);
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
      socket.destroy();
    };
    socket.on("connect", () => socket.write(startupMessage(user, database)));
    socket.on("data", (chunk: Uint8Array) => finish(readFirstByte(chunk[0])));
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

function readFirstByte(byte: number | undefined): ProbeResult {
  if (byte === "R".charCodeAt(0)) return "ready";
  return byte === "E".charCodeAt(0) ? "turned-away" : "mute";
}
