import { randomUUID } from "node:crypto";
import type { Database } from "../../src/database/database.ts";
import { DebyError } from "../../src/errors.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { waitUntil } from "./wait-until.ts";

export interface WorkReport {
  readonly acknowledged: number;
  /** Acknowledged and not in the table. */
  readonly lost: string[];
  /** In the table although the error claimed `not-executed` or `rolled-back`. */
  readonly wrongOutcome: string[];
  /** How often each code ended a write, a read. */
  readonly writeErrors: Record<string, number>;
  readonly readErrors: Record<string, number>;
}

/** Workers that write rows with ids of their own and read, and remember every answer. */
export class Workers implements AsyncDisposable {
  readonly #db: Database;
  readonly #acknowledged: string[] = [];
  readonly #denied: string[] = [];
  readonly #writeErrors: Record<string, number> = {};
  readonly #readErrors: Record<string, number> = {};
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(db: Database) {
    this.#db = db;
  }

  static async start(db: Database, count: number): Promise<Workers> {
    await db.query`create table if not exists written (id uuid primary key)`;
    const workers = new Workers(db);
    workers.#running = Promise.all(Array.from({ length: count }, () => workers.#work()));
    return workers;
  }

  /** Waits until so many more writes were acknowledged. */
  async progress(writes: number): Promise<void> {
    const goal = this.#acknowledged.length + writes;
    await waitUntil(`${writes} more writes`, () => this.#acknowledged.length >= goal);
  }

  /** Stops and compares every answer with the table. */
  async finish(server: PostgresServer): Promise<WorkReport> {
    await this[Symbol.asyncDispose]();
    const rows = await server.psql<{ id: string }>("SELECT id::text AS id FROM written");
    const table = new Set(rows.map(({ id }) => id));
    return {
      acknowledged: this.#acknowledged.length,
      lost: this.#acknowledged.filter((id) => !table.has(id)),
      wrongOutcome: this.#denied.filter((id) => table.has(id)),
      writeErrors: this.#writeErrors,
      readErrors: this.#readErrors,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const id = randomUUID();
      try {
        await this.#db.query`insert into written values (${id})`;
        this.#acknowledged.push(id);
      } catch (error) {
        if (!(error instanceof DebyError)) throw error;
        if (error.outcome === "not-executed" || error.outcome === "rolled-back") this.#denied.push(id);
        this.#writeErrors[error.code] = (this.#writeErrors[error.code] ?? 0) + 1;
      }
      try {
        await this.#db.read`select count(*) from written where id = ${id}`;
      } catch (error) {
        const { code } = error as DebyError;
        this.#readErrors[code] = (this.#readErrors[code] ?? 0) + 1;
      }
    }
  }
}
