import { systemClock } from "../../../src/core/clock.ts";
import { HttpClient } from "../../../src/outage/http-client.ts";

const EVERY_MS = 20;
const LIMIT_MS = 1000;

/** What `/api/health` said, and when its answer came by `performance.now()`. */
export interface Sighting {
  readonly at: number;
  readonly status: string;
  readonly state: string;
  /** The reason's code. */
  readonly reason: string | undefined;
}

/** Asks for the health every 20 ms and keeps each answer that differs from the one before. */
export class HealthWatch implements AsyncDisposable {
  readonly changes: Sighting[] = [];
  /** How many answers came. */
  answers = 0;
  /** The longest time from a question to its answer, in milliseconds. */
  slowestMs = 0;
  readonly #http: HttpClient;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(port: number) {
    this.#http = new HttpClient({ host: "127.0.0.1", port, clock: systemClock });
    this.#running = this.#watch();
  }

  get last(): Sighting | undefined {
    return this.changes.at(-1);
  }

  /** The first answer from `since` on that was not `ok`; one given before may still hold. */
  firstTrouble(since: number): Sighting | undefined {
    return this.changes.find(({ at, status }) => at >= since && status !== "ok");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#http[Symbol.dispose]();
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      const askedAt = performance.now();
      await this.#ask(askedAt).catch(() => {});
      const pauseMs = EVERY_MS - (performance.now() - askedAt);
      await Bun.sleep(Math.max(1, pauseMs));
    }
  }

  async #ask(askedAt: number): Promise<void> {
    const { body } = await this.#http.request({ method: "GET", path: "/api/health", limitMs: LIMIT_MS });
    const at = performance.now();
    const told = JSON.parse(body) as { status: string; state: string; reason?: { code: string } };
    const { status, state } = told;
    const reason = told.reason?.code;
    this.answers += 1;
    this.slowestMs = Math.max(this.slowestMs, at - askedAt);
    const isNews = this.last?.status !== status || this.last.state !== state || this.last.reason !== reason;
    if (isNews) this.changes.push({ at, status, state, reason });
  }
}
