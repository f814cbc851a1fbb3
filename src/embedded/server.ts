import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import type { FromChild, ToChild } from "./child-protocol.ts";
import type { Client } from "./client.ts";
import { askToDieWithParent } from "./die-with-parent.ts";
import { Engine } from "./engine.ts";
import { lockFile } from "./file-lock.ts";
import { Listener } from "./listener.ts";
import { Session } from "./session.ts";

/** A server of an earlier run whose parent was killed needs a moment to end. */
const LOCK_WAIT_MS = 5_000;
/** PGlite has no checkpointer; without one the log of writes grows, and with it the time that a recovery takes. */
const CHECKPOINT_INTERVAL_MS = 10_000;
/** Time for the last word to reach the parent. */
const LAST_WORD_MS = 20;

/**
 * The child: a PostgreSQL server on PGlite. The main thread owns the sockets and answers the supervisor, whatever the
 * database does; it ends with its parent. Started by hand it refuses.
 */
export function runEmbeddedServer([folder]: readonly string[]): void {
  if (process.send === undefined || folder === undefined) {
    process.stderr.write("deby: The embedded server is started by deby itself: deby serve --embedded\n");
    process.exit(2);
  }
  process.umask(0o077);
  process.on("disconnect", killSelf);
  // A Ctrl-C is the parent's matter.
  process.on("SIGINT", () => {});
  const server = new EmbeddedServer(folder);
  process.on("SIGTERM", () => server.stop());
  process.on("message", (message: ToChild) => {
    switch (message.type) {
      case "start":
        return server.start(message);
      case "ping":
        return say({ type: "pong", id: message.id, isBusy: server.isBusy });
      case "stop":
        return server.stop();
      default:
        return message satisfies never;
    }
  });
}

class EmbeddedServer {
  readonly #folder: string;
  readonly #engine = new Engine((reason) => this.#fail(reason));
  #session: Session<Client> | undefined;
  #listener: Listener | undefined;
  #isStopping = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get isBusy(): boolean {
    return this.#session?.isBusy ?? true;
  }

  start(options: Extract<ToChild, { type: "start" }>): void {
    this.#start(options).catch((error: Error) => this.#fail(error.message));
  }

  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#stop().then(
      () => process.exit(0),
      () => killSelf(),
    );
  }

  async #start({ port, password, parentPid }: Extract<ToChild, { type: "start" }>): Promise<void> {
    await askToDieWithParent();
    // It may have ended before we asked.
    if (process.ppid !== parentPid) killSelf();
    const lock = lockFile(join(this.#folder, "data.lock"), { waitMs: LOCK_WAIT_MS });
    if (lock === undefined) throw new Error(`Another server has its data in ${this.#folder}`);
    const parameters = await this.#engine.open(join(this.#folder, "data"));
    const session = new Session<Client>(this.#engine, systemClock, (reason) => this.#fail(reason));
    const listener = new Listener({ clock: systemClock, session, parameters, password });
    this.#session = session;
    this.#listener = listener;
    await listener.listen(port);
    setInterval(() => session.checkpoint(), CHECKPOINT_INTERVAL_MS);
    say({ type: "ready" });
  }

  async #stop(): Promise<void> {
    this.#listener?.close();
    await this.#session?.rest();
    if (this.#session !== undefined) await this.#engine.close();
  }

  /** What is in PGlite's memory is not to be trusted any more; what is in its files has been acknowledged. */
  #fail(reason: string): void {
    say({ type: "failed", reason });
    setTimeout(killSelf, LAST_WORD_MS);
  }
}

function say(message: FromChild): void {
  process.send?.(message);
}

/** Without a word to PGlite's thread, which may be busy for long. */
function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}
