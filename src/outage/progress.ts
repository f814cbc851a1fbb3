import type { SeenLoad } from "./recovery.ts";

export type Phase = "prepare" | "warm-up" | "fault" | "outage" | "recovery" | "settling" | "compare" | "clean-up";

/** How much of something is done. */
export interface Part {
  readonly done: number;
  readonly of: number;
  /** What is counted: "layers". */
  readonly unit: string;
}

/** Told what is being done, in words; with a part, how far the step before has come. */
export type OnStep = (step: string, part?: Part) => void;

/** A load that is under way: both lists grow, and a request's entry is replaced when it ends. */
export interface LiveLoad extends SeenLoad {
  /** The server's own deadline, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** Told what a run is doing, for whoever watches it. */
export interface Progress {
  /** A phase of the run began, or something new happened in it. */
  phase(name: Phase, detail: string): void;
  /** What lasts has come so far; told often, for whoever has a place to show it. */
  advance?(what: string, part: Part): void;
  /** The load has begun; whoever wants to may look at it from now on. */
  watch?(load: LiveLoad): void;
}
