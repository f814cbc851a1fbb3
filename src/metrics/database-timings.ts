import type { DatabaseObserver, OperationName } from "../database/events.ts";
import type { ErrorCode } from "../errors.ts";
import { Histogram } from "./histogram.ts";

export const OPERATIONS: readonly OperationName[] = ["read", "query", "transaction", "once"];

/** The durations of one kind of operation, those that failed by their code. */
export interface OperationTimings {
  readonly succeeded: Histogram;
  readonly failed: ReadonlyMap<ErrorCode, Histogram>;
}

/** How long everything took since the start. Listens in the course of each statement: see `DatabaseObserver`. */
export class DatabaseTimings implements DatabaseObserver {
  readonly create = new Histogram();
  readonly wait = new Histogram();
  readonly use = new Histogram();
  readonly #operations = { read: newTimings(), query: newTimings(), transaction: newTimings(), once: newTimings() };

  connectionCreated(durationMs: number): void {
    this.create.observe(durationMs);
  }

  leaseAcquired(waitMs: number): void {
    this.wait.observe(waitMs);
  }

  leaseReleased(useMs: number): void {
    this.use.observe(useMs);
  }

  operationEnded(operation: OperationName, durationMs: number, code: ErrorCode | undefined): void {
    const { succeeded, failed } = this.#operations[operation];
    if (code === undefined) {
      succeeded.observe(durationMs);
      return;
    }
    const known = failed.get(code) ?? new Histogram();
    failed.set(code, known);
    known.observe(durationMs);
  }

  operation(name: OperationName): OperationTimings {
    return this.#operations[name];
  }
}

function newTimings() {
  return { succeeded: new Histogram(), failed: new Map<ErrorCode, Histogram>() };
}
