import { randomUUID } from "node:crypto";
import type { PostgresServer } from "./postgres-server.ts";
import type { ServedDeby } from "./serve.ts";
import { waitUntil } from "./wait-until.ts";

export interface CanaryReport {
  readonly acknowledged: number;
  /** Answered with 201 and not in the table exactly once. */
  readonly notOnce: string[];
  /** In the table although the answer said `not-executed`. */
  readonly wrongOutcome: string[];
  /** How often each other answer came, as `status code outcome`. */
  readonly others: Record<string, number>;
  /** The slowest answer, in milliseconds. */
  readonly slowestMs: number;
}

/** Concurrent clients that each put one canary after the other, and remember every answer. */
export class CanaryClients implements AsyncDisposable {
  readonly #deby: ServedDeby;
  readonly #created: string[] = [];
  readonly #denied: string[] = [];
  readonly #others: Record<string, number> = {};
  #slowestMs = 0;
  #isStopped = false;
  readonly #running: Promise<unknown>;

  constructor(deby: ServedDeby, count: number) {
    this.#deby = deby;
    this.#running = Promise.all(Array.from({ length: count }, () => this.#work()));
  }

  /** Waits until so many more canaries were created. */
  async progress(count: number): Promise<void> {
    const goal = this.#created.length + count;
    await waitUntil(`${count} more canaries`, () => this.#created.length >= goal);
  }

  async finish(server: Pick<PostgresServer, "psql">): Promise<CanaryReport> {
    await this[Symbol.asyncDispose]();
    const rows = await server.psql<{ id: string; count: number }>(
      "SELECT id::text AS id, count(*)::int AS count FROM deby.canary GROUP BY id",
    );
    const table = new Map(rows.map(({ id, count }) => [id, count]));
    return {
      acknowledged: this.#created.length,
      notOnce: this.#created.filter((id) => table.get(id) !== 1),
      wrongOutcome: this.#denied.filter((id) => table.has(id)),
      others: this.#others,
      slowestMs: this.#slowestMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const id = randomUUID();
      const sentAt = performance.now();
      const response = await this.#deby.fetch(`/api/canary/${id}`, { method: "PUT" });
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - sentAt);
      const body = (await response.json()) as { code?: string; outcome?: string };
      if (response.status === 201) {
        this.#created.push(id);
        continue;
      }
      if (body.outcome === "not-executed") this.#denied.push(id);
      const key = `${response.status} ${body.code} ${body.outcome}`;
      this.#others[key] = (this.#others[key] ?? 0) + 1;
    }
  }
}
