/**
 * Upper bounds in milliseconds: those that OpenTelemetry advises for `db.client.operation.duration`, finer steps between
 * them, and the usual deadline of a request.
 */
const DURATION_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/**
 * Durations counted by size. It is fed several times in the course of each statement, so it does no more than find the
 * bucket and add: a quarter of what prom-client's `observe` takes, and nothing of that library needs to be loaded.
 */
export class Histogram {
  readonly boundsMs: readonly number[];
  /** One for each bound, and a last one for what is above all of them; not cumulative. */
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor(boundsMs: readonly number[] = DURATION_BOUNDS_MS) {
    this.boundsMs = boundsMs;
    this.#counts = new Float64Array(boundsMs.length + 1);
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  observe(durationMs: number): void {
    const { boundsMs } = this;
    let bucket = 0;
    // Most durations are short: from below, they are found soonest.
    while (bucket < boundsMs.length && durationMs > (boundsMs[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += durationMs;
  }

  /** How many were at most as long as each bound, and last how many there were at all. */
  cumulativeCounts(): number[] {
    let sum = 0;
    return Array.from(this.#counts, (count) => {
      sum += count;
      return sum;
    });
  }

  /**
   * The duration that a part of all does not exceed, estimated as evenly spread within its bucket (as Prometheus's
   * `histogram_quantile` does); the highest bound where it lies above, undefined where nothing was observed.
   * @param part in (0, 1]
   */
  quantileMs(part: number): number | undefined {
    const counts = this.cumulativeCounts();
    const total = counts.at(-1) ?? 0;
    if (total === 0) return undefined;
    const rank = part * total;
    const bucket = counts.findIndex((count) => count >= rank);
    const upperMs = this.boundsMs[bucket];
    if (upperMs === undefined) return this.boundsMs.at(-1);
    const lowerMs = this.boundsMs[bucket - 1] ?? 0;
    const below = counts[bucket - 1] ?? 0;
    const inside = (counts[bucket] ?? 0) - below;
    return lowerMs + ((upperMs - lowerMs) * (rank - below)) / inside;
  }
}
