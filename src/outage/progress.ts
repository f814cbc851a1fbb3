/** Told what a run is doing, for whoever watches it. */
export interface Progress {
  /** A phase of the run began. */
  phase(
    name: "prepare" | "warm-up" | "outage" | "recovery" | "settling" | "compare" | "clean-up",
    detail: string,
  ): void;
}
