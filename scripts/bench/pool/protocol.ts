import type { DatabaseAddress } from "../bench-database.ts";

/** The worker's first message: it is connected, and these are the rows that it was given. */
interface Ready {
  readonly kind: "ready";
  readonly sampleRows: unknown;
}

/** To be answered by one `Measured`. */
export interface Measure {
  readonly workload: string;
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly sliceMs: number;
}

interface Measured {
  readonly kind: "measured";
  /** Statements answered in a second; undefined where the contender does not take part in the workload. */
  readonly perSecond: number | undefined;
}

export type FromWorker = Ready | Measured;

/** The worker's only argument, as JSON. */
export interface WorkerArguments {
  readonly contender: string;
  readonly at: DatabaseAddress;
}
