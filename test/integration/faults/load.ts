import { randomUUID } from "node:crypto";
import { waitUntil } from "../../support/wait-until.ts";
import type { FaultClient } from "./client.ts";
import { isSuccess, type LedgerEntry } from "./ledger.ts";

export const WORKERS = 20;

/** After a refusal a worker breathes, or it would do nothing but ask. */
const PAUSE_AFTER_FAILURE_MS = 50;

/** Requests take up to so long in the server, so that a fault meets many connections at work. */
const MAX_WORK_MS = 60;
/** Between two requests: this process and the server share two processors with deby, which is to be measured and not they. */
const PAUSE_MS = 10;

export interface LoadOptions {
  /** Pause of each worker between two requests. Default 10. */
  readonly pauseMs?: number;
}

/** Every third takes no time at all. */
function workMsOf(turn: number): number {
  return turn % 3 === 0 ? 0 : (turn * 7) % (MAX_WORK_MS + 1);
}

/** Workers that write and read one row after the other, by a statement and by a transaction in turn. */
export class Load implements AsyncDisposable {
  /** Reads that were answered without the acknowledged row that they asked for. */
  readonly blindReads: LedgerEntry[] = [];
  readonly #client: FaultClient;
  readonly #pauseMs: number;
  readonly #lastSuccess = new Array<number>(WORKERS).fill(Number.NEGATIVE_INFINITY);
  readonly #running: Promise<unknown>;
  #isStopped = false;

  constructor(client: FaultClient, { pauseMs = PAUSE_MS }: LoadOptions = {}) {
    this.#client = client;
    this.#pauseMs = pauseMs;
    this.#running = Promise.all(Array.from({ length: WORKERS }, (_, worker) => this.#work(worker)));
  }

  /** Waits until each worker has had a success with a request that it sent after `since`. */
  async allSucceed(since: number, deadlineMs = 10_000): Promise<void> {
    const areAllServed = () => this.#lastSuccess.every((sentAt) => sentAt >= since);
    await waitUntil(`every worker is served since ${since}`, areAllServed, { deadlineMs });
  }

  /** Lets every request be answered and sends no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #work(worker: number): Promise<void> {
    for (let turn = worker; !this.#isStopped; turn++) {
      const workMs = workMsOf(turn);
      const write = await this.#write(turn % 2 === 0 ? "query" : "transaction", workMs);
      await this.#rest(worker, write);
      if (this.#isStopped) return;
      const { segment } = write;
      const read = await this.#client.send({
        kind: "read",
        method: "GET",
        path: `/faults/read/${segment}/${write.id}/${workMs}`,
        workMs,
      });
      if (isSuccess(write) && isSuccess(read) && read.body?.["count"] !== 1) this.blindReads.push(read);
      await this.#rest(worker, read);
    }
  }

  #write(kind: "query" | "transaction", workMs: number): Promise<LedgerEntry> {
    const id = randomUUID();
    const path = `/faults/${kind}/${this.#client.segment}/${id}/${workMs}`;
    return this.#client.send({ kind, method: "PUT", path, id, workMs });
  }

  async #rest(worker: number, entry: LedgerEntry): Promise<void> {
    if (isSuccess(entry)) this.#lastSuccess[worker] = entry.sentAt;
    const pauseMs = isSuccess(entry) ? this.#pauseMs : PAUSE_AFTER_FAILURE_MS;
    if (pauseMs > 0) await Bun.sleep(pauseMs);
  }
}
