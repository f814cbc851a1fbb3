import type { ProbeResult } from "./raw-probe.ts";
import type { Target } from "./target.ts";

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
  contradiction(probe: ProbeResult | undefined): Promise<string | undefined>;
  /** Undoes the harm; resolves when the command for it has ended. */
  heal(): Promise<void>;
}

/** One way of losing the database. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Objectives that every run of it is judged by; `steady` is added from the run's settings. */
  readonly slos: readonly string[];
  /** How long the database stays away, in milliseconds, whatever the run asks for. */
  readonly outageMs?: number;
  /** The fault for this target; undefined if the target has not the power for it. */
  bind(target: Target): Fault | undefined;
}
