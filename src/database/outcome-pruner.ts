import { type Clock, sleep, type Timer } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import { pruneKeys } from "./outcome-table.ts";
import type { Transaction } from "./statement.ts";

/** Rows deleted in one transaction: so few that nobody waits for it. */
const BATCH = 500;
/** Between two of them, times the last one's duration: no more than a fifth of a connection is spent on this. */
const REST = 4;
const MIN_REST_MS = 20;
/** A run each 24th of the retention, but not all the time and not too seldom. */
const PART_OF_RETENTION = 1 / 24;
const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 3_600_000;

export interface OutcomePrunerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly retentionMs: number;
  /** Whether there is anything to prune, and a database that takes writes. */
  readonly isNeeded: () => boolean;
  /** Runs a function in a transaction with a deadline of its own. */
  readonly transact: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;
  readonly onPruned: (count: number) => void;
}

/** Deletes keys that are older than key-retention, in the background. Of several processes one does at a time. */
export class OutcomePruner {
  readonly #deps: OutcomePrunerDeps;
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;

  constructor(deps: OutcomePrunerDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { clock, random, retentionMs } = this.#deps;
    const pauseMs = Math.min(Math.max(retentionMs * PART_OF_RETENTION, MIN_PAUSE_MS), MAX_PAUSE_MS);
    this.#timer = clock.after(jittered(pauseMs, 0.2, random), () => {
      // What cannot be done now is done the next time.
      void this.prune()
        .catch(() => {})
        .then(() => this.#stopped.signal.aborted || this.start());
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#timer?.cancel();
  }

  /** Deletes whatever has expired; rejects with what a transaction throws. */
  async prune(): Promise<void> {
    const { clock, retentionMs, isNeeded, transact, onPruned } = this.#deps;
    const { signal } = this.#stopped;
    let total = 0;
    try {
      while (!signal.aborted && isNeeded()) {
        const startedAt = clock.now();
        const count = await transact((tx) => pruneKeys(tx, { retentionMs, limit: BATCH }));
        total += count;
        if (count < BATCH) return;
        await sleep(clock, Math.max(MIN_REST_MS, REST * (clock.now() - startedAt)), signal);
      }
    } finally {
      if (total > 0) onPruned(total);
    }
  }
}
