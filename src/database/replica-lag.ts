/** Where the primary was at a moment. */
interface Sample {
  /** On the clock's scale, in milliseconds. */
  readonly at: number;
  /** A position in the WAL, in bytes. */
  readonly position: bigint;
}

/** Of a standby that stands still, more samples tell nothing more. */
const MAX_SAMPLES = 100;

/**
 * How far a standby is behind its primary, in time. The primary is asked now and then where it is; the newest of these
 * moments that the standby has replayed is how old its data may be. Both moments are of our own clock, and an idle
 * primary makes no standby look late.
 */
export class ReplicaLag {
  #ahead: Sample[] = [];
  #replayed: Sample | undefined;

  /** The primary was at `position` at a moment that is no earlier than `at`. */
  notePrimary(at: number, position: bigint): void {
    this.#ahead.push({ at, position });
    if (this.#ahead.length > MAX_SAMPLES) this.#ahead.shift();
  }

  /** The standby has replayed everything up to `position`. */
  noteStandby(position: bigint): void {
    const isReplayed = (sample: Sample): boolean => sample.position <= position;
    this.#replayed = this.#ahead.findLast(isReplayed) ?? this.#replayed;
    this.#ahead = this.#ahead.filter((sample) => !isReplayed(sample));
  }

  /** What was known is about another server. */
  reset(): void {
    this.#ahead = [];
    this.#replayed = undefined;
  }

  /** Milliseconds that the standby's data is old at most; Infinity where that is not known. */
  lagMs(now: number): number {
    return this.#replayed === undefined ? Number.POSITIVE_INFINITY : now - this.#replayed.at;
  }
}
