import type { CircuitState, DatabaseEvents, ServerFacts } from "./events.ts";

/** What may stand in `${}` of a statement: always sent as a parameter, never as text. */
export type Value = unknown;

export type Row = Record<string, unknown>;

/** A statement as a tagged template: ``query`select ${id}` ``. */
export type Statement = <R = Row>(strings: TemplateStringsArray, ...values: readonly Value[]) => Promise<R[]>;

export interface Transaction {
  readonly query: Statement;
}

export interface TransactionOptions {
  /** The function may be run again from its start if the transaction is known to be undone. Default: false. */
  readonly retryable?: boolean;
}

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly active: number;
  readonly opening: number;
  readonly waiting: number;
  readonly max: number;
  readonly min: number;
  readonly generation: number;
}

export interface DeadlineOptions {
  /** Milliseconds from now; the earlier of this and the request's own deadline counts. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The resilient database that routes and programs see. */
export interface Database {
  /** A statement that only reads and may therefore be repeated after a lost connection. */
  readonly read: Statement;
  /** Any statement; never repeated once it was sent. */
  readonly query: Statement;
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** The same database with a deadline or a signal of its own. */
  with(options: DeadlineOptions): Database;
  /** The circuit's state, from memory. */
  state(): CircuitState;
  stats(): PoolStats;
  /** What the server said of itself when it last answered a probe; undefined before the first time. */
  server(): ServerFacts | undefined;
  /** Milliseconds of the last answered heartbeat or probe query. */
  latencyMs(): number | undefined;
  /** Returns the function that stops listening. */
  on<E extends keyof DatabaseEvents>(event: E, listener: (detail: DatabaseEvents[E]) => void): () => void;
  /** No new work from now on; waiting requests get SHUTTING_DOWN. What is in flight may finish. */
  drain(): void;
  /** Ends everything: in-flight work has `graceMs` to finish. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}
