import { randomUUID } from "node:crypto";
import type { Database } from "../../src/database/database.ts";
import { DebyError } from "../../src/errors.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { waitUntil } from "./wait-until.ts";

export interface OnceReport {
  readonly acknowledged: number;
  /** Acknowledged and not in the table. */
  readonly lost: string[];
  /** More than once in the table. */
  readonly doubled: string[];
  /** In the table although the error claimed `not-executed` or `rolled-back`. */
  readonly wrongOutcome: string[];
  /** How often each code ended a write. */
  readonly errors: Record<string, number>;
}

/** Writers that write row after row, each under a key of its own, and remember every answer. */
export class OnceWriters implements AsyncDisposable {
  readonly #db: Database;
  readonly #acknowledged: string[] = [];
  readonly #denied: string[] = [];
  readonly #errors: Record<string, number> = {};
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(db: Database) {
    this.#db = db;
  }

  static async start(db: Database, count: number): Promise<OnceWriters> {
    // No constraint: a row that is written twice is there twice.
    await db.query`create table if not exists once_written (id uuid not null)`;
    const writers = new OnceWriters(db);
    writers.#running = Promise.all(Array.from({ length: count }, () => writers.#work()));
    return writers;
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Waits until so many more writes were acknowledged. */
  async progress(writes: number): Promise<void> {
    const goal = this.acknowledged + writes;
    await waitUntil(`${writes} more writes`, () => this.acknowledged >= goal, { deadlineMs: 20_000 });
  }

  /** Compares every answer with the table, once the writers are stopped. */
  async compareWith(server: PostgresServer): Promise<OnceReport> {
    const rows = await server.psql<{ id: string; count: number }>(
      "SELECT id::text AS id, count(*)::int AS count FROM once_written GROUP BY id",
    );
    const table = new Map(rows.map(({ id, count }) => [id, count]));
    return {
      acknowledged: this.acknowledged,
      lost: this.#acknowledged.filter((id) => !table.has(id)),
      doubled: rows.filter(({ count }) => count > 1).map(({ id }) => id),
      wrongOutcome: this.#denied.filter((id) => table.has(id)),
      errors: this.#errors,
    };
  }

  /** Resolves when each has its last answer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** The database will not come back: whoever waits for it is sent away. */
  async abandon(): Promise<void> {
    this.#isStopped = true;
    await this.#db.close({ graceMs: 0 });
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abandon();
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const id = randomUUID();
      try {
        await this.#db.once(id, (tx) => tx.query`insert into once_written values (${id})`);
        this.#acknowledged.push(id);
      } catch (error) {
        if (!(error instanceof DebyError)) throw error;
        if (error.outcome === "not-executed" || error.outcome === "rolled-back") this.#denied.push(id);
        this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1;
      }
    }
  }
}
