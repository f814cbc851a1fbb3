import { connect } from "node:net";
import { startupMessage } from "./startup-message.ts";

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  /** How long to look for. */
  readonly deadlineMs: number;
  /** Pause between the starts of two dials. Default 5 ms. */
  readonly everyMs?: number;
  /** How long one dial may go unanswered. Default 1000 ms. */
  readonly dialLimitMs?: number;
}

export interface Accepting {
  /** `performance.now()` when the answer came. */
  readonly at: number;
  readonly date: Date;
  /** How many dials it took. */
  readonly dials: number;
}

/**
 * Dials until a Postgres server accepts connections, and tells when that was. It shares no code with the product:
 * a plain StartupMessage counts as accepted when any authentication request answers it (the server accepts
 * connections then, whoever is let in; while it starts up or recovers the answer is an error).
 * @throws Error with the last answer when the deadline passes.
 */
export async function waitAccepting(options: ProbeOptions): Promise<Accepting> {
  const { everyMs = 5, deadlineMs } = options;
  const giveUpAt = performance.now() + deadlineMs;
  let answer = "none";
  for (let dials = 1; performance.now() < giveUpAt; dials++) {
    const dialledAt = performance.now();
    answer = await dial(options, Math.min(options.dialLimitMs ?? 1000, giveUpAt - dialledAt));
    if (answer === "R") return { at: performance.now(), date: new Date(), dials };
    const pauseMs = everyMs - (performance.now() - dialledAt);
    if (pauseMs > 0) await Bun.sleep(pauseMs);
  }
  throw new Error(`${options.host}:${options.port} did not accept within ${deadlineMs} ms, last answer: ${answer}`);
}

/** Resolves with the first byte of the answer as a letter, or with what happened instead of one. */
function dial({ host, port }: ProbeOptions, limitMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const finish = (answer: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, limitMs, "silence");
    socket.on("connect", () => socket.write(startupMessage({ user: "postgres", database: "postgres" })));
    socket.on("data", (bytes) => finish(String.fromCharCode(bytes[0] ?? 0)));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.on("close", () => finish("closed"));
  });
}
