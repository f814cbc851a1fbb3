import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type CancelFlags, lowerCancel, raiseCancel } from "./shared-memory.ts";
import type { FromWorker, ToWorker } from "./worker-protocol.ts";

/** What a server tells every client at the start of a session, by name. */
export type Parameters = Readonly<Record<string, string>>;

export interface RunResult {
  readonly isInTransaction: boolean;
}

/** In the executable every module lies at the root of its own file system, but for entry points such as the worker. */
const WORKER = Bun.isStandaloneExecutable
  ? join(import.meta.dir, "src", "embedded", "worker.ts")
  : join(import.meta.dir, "worker.ts");

/** PGlite in a thread of its own, seen from the main thread, which therefore never waits for a statement. */
export class Engine {
  readonly #worker = new Worker(WORKER);
  readonly #onFailed: (reason: string) => void;
  readonly #opened = Promise.withResolvers<Parameters>();
  readonly #closed = Promise.withResolvers<void>();
  #cancelFlags: CancelFlags | undefined;
  #running: { onPart(part: Uint8Array): void; resolve(result: RunResult): void } | undefined;

  /** `onFailed`: PGlite is broken beyond repair, and this process with it. */
  constructor(onFailed: (reason: string) => void) {
    this.#onFailed = onFailed;
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) => onFailed(`${error}`));
  }

  /** Opens the database in this folder, which is made if it is not there. */
  open(dataFolder: string): Promise<Parameters> {
    this.#say({ type: "open", dataFolder });
    return this.#opened.promise;
  }

  /** Has whole messages worked off and hands over the answer in parts. One run at a time. */
  run(messages: Uint8Array, onPart: (part: Uint8Array) => void): Promise<RunResult> {
    if (this.#cancelFlags !== undefined) lowerCancel(this.#cancelFlags);
    return new Promise((resolve) => {
      this.#running = { onPart, resolve };
      this.#say({ type: "run", messages });
    });
  }

  /** Makes the running statement end with 57014, as soon as Postgres looks. */
  cancel(): void {
    if (this.#running !== undefined && this.#cancelFlags !== undefined) raiseCancel(this.#cancelFlags);
  }

  /** Writes everything down and ends PGlite; what runs is worked off first. */
  close(): Promise<void> {
    this.#say({ type: "close" });
    return this.#closed.promise;
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "opened":
        this.#cancelFlags = message.cancelFlags;
        this.#opened.resolve(message.parameters);
        break;
      case "data":
        this.#running?.onPart(message.bytes);
        break;
      case "done": {
        const { isInTransaction } = message;
        const running = this.#running;
        this.#running = undefined;
        running?.resolve({ isInTransaction });
        break;
      }
      case "closed":
        this.#closed.resolve();
        break;
      case "failed":
        this.#onFailed(message.reason);
        break;
      default:
        message satisfies never;
    }
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
