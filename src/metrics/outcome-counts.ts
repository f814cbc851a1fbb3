import type { OutcomeResolved } from "../database/events.ts";
import { Histogram } from "./histogram.ts";

type Outcome = OutcomeResolved["outcome"];

const OUTCOMES: readonly Outcome[] = ["committed", "not-committed", "unknown"];

/** Keyed transactions whose COMMIT was not answered, and what was found out about them. */
export class OutcomeCounts {
  readonly durations = new Histogram();
  readonly #byOutcome = new Map<Outcome, number>(OUTCOMES.map((outcome) => [outcome, 0]));

  /** All outcomes, those that never happened included. */
  get byOutcome(): ReadonlyMap<Outcome, number> {
    return this.#byOutcome;
  }

  resolved({ outcome, durationMs }: OutcomeResolved): void {
    this.#byOutcome.set(outcome, (this.#byOutcome.get(outcome) ?? 0) + 1);
    this.durations.observe(durationMs);
  }
}
