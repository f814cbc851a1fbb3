import type { DatabaseAddress } from "../bench-database.ts";

/** The worker's first message: it is connected, and these are the rows that it was given. */
interface Ready {
  readonly kind: "ready";
  readonly sampleRows: unknown;
}

/** What the worker is told, each answered before the next: to open connections, to be measured on them, to close them. */
export type ToWorker = Open | Slice | Close;

/** Opens fresh connections and warms them up. Answered by `opened`. */
interface Open {
  readonly kind: "open";
  readonly workload: string;
  readonly concurrency: number;
  readonly warmUpMs: number;
}

/** Answered by `measured`. */
interface Slice {
  readonly kind: "slice";
  readonly durationMs: number;
}

/** Answered by `closed`. */
interface Close {
  readonly kind: "close";
}

interface Opened {
  readonly kind: "opened";
  /** Otherwise the contender does not take part in the workload, and has nothing open. */
  readonly takesPart: boolean;
}

/** How much was answered in how long. */
export interface Measured {
  readonly kind: "measured";
  readonly statements: number;
  readonly seconds: number;
}

interface Closed {
  readonly kind: "closed";
}

export type FromWorker = Ready | Opened | Measured | Closed;

/** The worker's only argument, as JSON. */
export interface WorkerArguments {
  readonly contender: string;
  readonly at: DatabaseAddress;
}
