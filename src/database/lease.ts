import { type Clock, sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import type { Random } from "../core/random.ts";
import type { DeadlineSweep } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import type { Gate } from "./gate.ts";
import type { Pool } from "./pool.ts";
import type { StatementKind } from "./retry.ts";

/** What statements and transactions need to get a connection and to give it back. */
export interface LeaseDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly sweep: DeadlineSweep;
  readonly pool: Pool<Connection>;
  readonly gate: Gate;
  /** A statement met a server that takes no writes: somebody else finds out whether that is so. */
  readonly onReadOnly: (error: DebyError) => void;
}

/** Pause before something is run again after a collision, in milliseconds, times the number of the repetition. */
const CONFLICT_PAUSE_MS = 20;

/** A connection for exclusive use; the caller gives it back to the pool. Throws what gate and pool throw. */
export async function acquire({ gate, pool }: LeaseDeps, kind: StatementKind, deadline: Deadline): Promise<Connection> {
  gate.admit({ isWrite: kind === "write" });
  const idle = pool.tryAcquire();
  if (idle !== undefined) return idle;
  gate.noteWaiting();
  return pool.acquire(deadline);
}

/** Tells of a server that takes no writes. Source: SQLSTATE 25006, read_only_sql_transaction. */
export function noteReadOnly({ onReadOnly }: LeaseDeps, error: unknown): void {
  if (error instanceof DebyError && error.reason === "25006") onReadOnly(error);
}

/** Lets the other side of a collision go first; after a lost connection the queue is pause enough. */
export async function pauseBefore({ clock, random }: LeaseDeps, error: unknown, repetition: number): Promise<void> {
  if (error instanceof DebyError && error.code === "SERIALIZATION_FAILURE") {
    await sleep(clock, CONFLICT_PAUSE_MS * repetition * random());
  }
}
