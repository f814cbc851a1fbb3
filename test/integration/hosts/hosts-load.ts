import { randomUUID } from "node:crypto";
import { waitUntil } from "../../support/wait-until.ts";
import type { FaultClient } from "../faults/client.ts";
import { isSuccess, type LedgerEntry } from "../faults/ledger.ts";

const WRITERS = 20;
const READERS = 20;
/** Of each worker between two requests: the machine has to have time for a failover. */
const PAUSE_MS = 20;
/** What a request takes in the server, so that a fault meets many connections at work. */
const WORK_MS = [0, 5, 10, 20] as const;
const WAYS = ["query", "transaction", "once", "canary"] as const;
/** Only what was acknowledged so long ago is read: a standby, which may be asked meanwhile, shows it by then. */
const READ_AFTER_MS = 1000;

/** Twenty that write rows, in each way in turn, and twenty that read what was acknowledged. */
export class HostsLoad implements AsyncDisposable {
  /** Reads that were answered without the acknowledged row that they asked for. */
  readonly blindReads: LedgerEntry[] = [];
  readonly #client: FaultClient;
  readonly #acknowledged: LedgerEntry[] = [];
  readonly #lastSuccess = new Array<number>(WRITERS).fill(Number.NEGATIVE_INFINITY);
  readonly #running: Promise<unknown>;
  #isStopped = false;

  constructor(client: FaultClient) {
    this.#client = client;
    const writers = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer));
    const readers = Array.from({ length: READERS }, (_, reader) => this.#read(reader));
    this.#running = Promise.all([...writers, ...readers]);
  }

  /** The first write that was acknowledged after `since`; waits for it. */
  firstWrite(since: number, deadlineMs = 30_000): Promise<LedgerEntry> {
    // Sorted by their ends, as they are kept when they end.
    const look = () => this.#acknowledged.find(({ endedAt = 0 }) => endedAt >= since);
    return waitUntil("a write succeeds", look, { deadlineMs, everyMs: 5 });
  }

  /** Waits until each writer has had a success with a request that it sent after `since`. */
  async allWrite(since: number, deadlineMs = 30_000): Promise<void> {
    const look = () => this.#lastSuccess.every((sentAt) => sentAt >= since);
    await waitUntil("every writer is served again", look, { deadlineMs });
  }

  /** Waits until so many more writes were acknowledged. */
  async progress(writes: number): Promise<void> {
    const goal = this.#acknowledged.length + writes;
    await waitUntil(`${writes} more writes`, () => this.#acknowledged.length >= goal, { deadlineMs: 60_000 });
  }

  /** Lets every request be answered and sends no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #write(writer: number): Promise<void> {
    for (let turn = writer; !this.#isStopped; turn++) {
      const id = randomUUID();
      const way = pick(WAYS, turn);
      const path =
        way === "canary"
          ? `/api/canary/${id}`
          : `/faults/${way}/${this.#client.segment}/${id}/${pick(WORK_MS, Math.floor(turn / WAYS.length))}`;
      const kind = way === "canary" ? "once" : way;
      const entry = await this.#client.send({ kind, method: "PUT", path, id });
      if (isSuccess(entry)) {
        this.#acknowledged.push(entry);
        this.#lastSuccess[writer] = entry.sentAt;
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  async #read(reader: number): Promise<void> {
    for (let turn = reader; !this.#isStopped; turn++) {
      const settled = this.#lastSettled();
      // Neighbours look for different rows.
      const written = settled < 0 ? undefined : this.#acknowledged[Math.max(0, settled - reader)];
      if (written?.kind === "query" || written?.kind === "transaction") {
        const path = `/faults/read/${written.segment}/${written.id}/${pick(WORK_MS, turn)}`;
        const read = await this.#client.send({ kind: "read", method: "GET", path, id: written.id as string });
        if (isSuccess(read) && read.body?.["count"] !== 1) this.blindReads.push(read);
      } else if (written?.path.startsWith("/api/canary")) {
        const read = await this.#client.send({ kind: "read", method: "GET", path: written.path });
        if (read.status === 404) this.blindReads.push(read);
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  /** The place of the last write that was acknowledged long enough ago; -1 where there is none. */
  #lastSettled(): number {
    const before = performance.now() - READ_AFTER_MS;
    return this.#acknowledged.findLastIndex(({ endedAt = 0 }) => endedAt < before);
  }
}

function pick<T>(values: readonly T[], turn: number): T {
  return values[turn % values.length] as T;
}
