import type { PostgresServer } from "../../support/postgres.ts";
import type { FaultRun } from "./fault-run.ts";
import type { ServedOptions } from "./served.ts";

/** One way to take the database away, and what deby owes its callers then. */
export interface Fault extends Pick<ServedOptions, "env" | "requestTimeoutMs" | "through" | "until"> {
  readonly name: string;
  /** Before deby starts. */
  readonly prepare?: (server: PostgresServer) => Promise<void>;
  /**
   * Breaks it, proves that it is broken, and heals it, and tells the run when: `breaking`, `broken` and `healed`,
   * which are called once for each outage.
   */
  readonly strike: (run: FaultRun) => Promise<void>;
  /** `declared`: deby has to say so; `none`: it must not, and health stays `ok` or `warn`; `any`: either is right. */
  readonly outage: "declared" | "none" | "any";
  /** How many writes may fail in each outage, all of them sent before it was noticed. Reads never fail. */
  readonly failedWrites: number;
  /**
   * The outage is one that requests cannot wait for: they may also be turned away, or run into their deadlines, as
   * long as they are told what became of them.
   */
  readonly mayTurnAway?: true;
  /** Longest time until health is not `ok`, in milliseconds. Default: no limit but the run's. */
  readonly detectWithinMs?: number;
  /** Longest time from the healing until the first success, in milliseconds. Default 2000. */
  readonly recoverWithinMs?: number;
}

/** deby's default, which the silent faults are measured by. */
export const STALL_AFTER_MS = 2000;
/** Statements that can be in flight: the pool's default maximum. */
export const POOL_MAX = 20;
/** The pool's default minimum and the heartbeat's. */
export const FEWEST_SESSIONS = 3;

/** Goal for a server that is frozen or cut off, under load. */
export const SILENCE_DETECTED_WITHIN_MS = STALL_AFTER_MS + 2000;
