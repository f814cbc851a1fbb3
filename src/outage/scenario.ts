import type { PoolSettings } from "../config/types.ts";
import type { ProbeSighting } from "./database-watch.ts";
import type { Words } from "./journal.ts";
import type { Power, Target } from "./target.ts";
import type { ProofOfUse } from "./use-probe.ts";

/**
 * A fault, bound to the target that it will be done to. Whatever it waits for ends with Interrupted when the run is told
 * to hurry.
 */
export interface Fault {
  /** Does the harm; resolves when the command for it has ended. */
  inject(): Promise<void>;
  /**
   * Whether the harm is really done, by evidence that the server under test has no part in.
   * @param probe what an independent raw probe of the database found last
   * @returns undefined if it is, else what contradicts it
   */
  contradiction(probe: ProbeSighting | undefined): Promise<string | undefined>;
  /** Undoes the harm; resolves when the command for it has ended. Twice does no more than once. */
  heal(): Promise<void>;
  /**
   * The database offers sessions all the while: the raw probe sees nothing of the fault, and it counts as confirmed
   * when nothing contradicts it any more, and as undone when sessions are of use again, whenever healing returns.
   */
  readonly offersSessions?: boolean;
  /** What proves that then, asked from the beginning of healing on; default a login. */
  readonly provenBy?: ProofOfUse;
  /** What happens between its confirmation and its healing, where that is more than waiting; ends with the signal. */
  sustain?(signal: AbortSignal): Promise<void>;
}

/** One way of losing the database. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Objectives that every run of it is judged by; `steady` is added from the run's settings. */
  readonly slos: readonly string[];
  /** Those instead, where they depend on how the server under test is set up. */
  slosFor?(settings: Pick<PoolSettings, "retryIntervalMs">): readonly string[];
  /** What the target must have power over; one of them will do. */
  readonly needs: readonly Power[];
  /** The server under test may well notice nothing: `ttd` is not measured. */
  readonly expectsNoOutage?: boolean;
  /** Nothing but missing answers tells of it, which takes time. */
  readonly isSilent?: boolean;
  /** How long the database stays away, in milliseconds, whatever the run asks for. */
  readonly outageMs?: number;
  /** The fault comes first: the server under test is started on a database that is away. */
  readonly startsDown?: boolean;
  /** Commands that undo on a target that is not ours what starting its server again does not undo. */
  undo?(target: Target): Promise<readonly Words[]>;
  /** The fault for this target; undefined if the target has not the power for it. */
  bind(target: Target): Fault | undefined;
}
