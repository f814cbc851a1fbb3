import type { LedgerEntry } from "./ledger.ts";
import type { Sighting } from "./timeline.ts";

export type Phase = "prepare" | "warm-up" | "fault" | "outage" | "recovery" | "settling" | "compare" | "clean-up";

/** A load that is under way: both lists grow, and a request's entry is replaced when it ends. */
export interface LiveLoad {
  readonly entries: readonly LedgerEntry[];
  readonly health: readonly Sighting[];
  /** The server's own deadline, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** Told what a run is doing, for whoever watches it. */
export interface Progress {
  /** A phase of the run began, or something new happened in it. */
  phase(name: Phase, detail: string): void;
  /** The load has begun; whoever wants to may look at it from now on. */
  watch?(load: LiveLoad): void;
}
