import type { Clock } from "../core/clock.ts";
import type { Connection } from "./connection.ts";

/** Between two attempts to open it, in milliseconds. */
const OPEN_EVERY_MS = 5000;

type LineConnection = Pick<Connection, "isLost" | "isBusy" | "control" | "close">;

/** A connection that is kept for questions of our own, opened when it is needed. One question at a time. */
export class QuestionLine<C extends LineConnection> {
  readonly #clock: Clock;
  readonly #open: (deadlineAt: number) => Promise<C>;
  #connection: C | undefined;
  #openAgainAt = 0;

  constructor(clock: Clock, open: (deadlineAt: number) => Promise<C>) {
    this.#clock = clock;
    this.#open = open;
  }

  /** The connection; undefined where it is too early to try again. Throws where it cannot be opened. */
  async connection(deadlineAt: number): Promise<C | undefined> {
    if (this.#connection !== undefined && !this.#connection.isLost) return this.#connection;
    if (this.#clock.now() < this.#openAgainAt) return undefined;
    this.#openAgainAt = this.#clock.now() + OPEN_EVERY_MS;
    this.#connection = await this.#open(deadlineAt);
    return this.#connection;
  }

  /** Ends the connection; the next question opens another, at once. */
  async hangUp(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#openAgainAt = 0;
    await connection?.close();
  }
}
