import type { DatabaseEvents, StateName } from "../database/events.ts";
import { Histogram } from "./histogram.ts";
import { OUTAGE_KINDS, type OutageKind, outageKind } from "./outage-kind.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Outages last from a fraction of a second to hours. */
const OUTAGE_BOUNDS_MS = [
  50,
  100,
  250,
  500,
  SECOND_MS,
  2.5 * SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  60 * MINUTE_MS,
];

/**
 * Outages of a database that was usable before: one that is away at the start is no outage of the running service.
 * So the outages less the durations are the one that lasts.
 */
export class OutageCounts {
  readonly durations = new Histogram(OUTAGE_BOUNDS_MS);
  readonly #byKind = new Map<OutageKind, number>(OUTAGE_KINDS.map((kind) => [kind, 0]));
  #attempts = 0;
  #isOut = false;

  /** Counted attempts to connect, those of the start included. */
  get attempts(): number {
    return this.#attempts;
  }

  /** All kinds, those that never happened included. */
  get byKind(): ReadonlyMap<OutageKind, number> {
    return this.#byKind;
  }

  transition({ from, to }: DatabaseEvents["transition"]): void {
    if (!isUsable(from.name)) return;
    if (to.name !== "reconnecting" && to.name !== "down" && to.name !== "blocked") return;
    const kind = outageKind(to.reason.code);
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    this.#isOut = true;
  }

  attempt(): void {
    this.#attempts++;
  }

  recovered({ outageMs }: DatabaseEvents["recovered"]): void {
    if (this.#isOut) this.durations.observe(outageMs);
    this.#isOut = false;
  }
}

/** Whether requests are served in this state, be it reads only. */
export function isUsable(state: StateName): boolean {
  return state === "up" || state === "suspect" || state === "read-only";
}
