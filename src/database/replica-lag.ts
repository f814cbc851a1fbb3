/** Where the primary was at a moment. */
interface Sample {
  /** On the clock's scale, in milliseconds. */
  readonly at: number;
  /** A position in the WAL, in bytes. */
  readonly position: bigint;
}

/** From so many samples on, every second one is forgotten: those of long ago need not be as close together. */
const MAX_SAMPLES = 200;

/**
 * How far a standby is behind its primary, in time. The primary is asked now and then where it is; the newest of these
 * moments that the standby has replayed is how old its data may be. Both moments are of our own clock, and an idle
 * primary makes no standby look late.
 */
export class ReplicaLag {
  #ahead: Sample[] = [];
  #replayed: Sample | undefined;
  #servers = "";
  #isApart = false;

  /** Positions of other servers, or of another start of these, are not compared with those of before. */
  between(primary: string, standby: string): void {
    const servers = `${primary} ${standby}`;
    if (servers === this.#servers) return;
    this.#servers = servers;
    this.#isApart = false;
    this.forget();
  }

  /** What was compared so far says nothing. */
  forget(): void {
    this.#ahead = [];
    this.#replayed = undefined;
  }

  /**
   * The standby was ahead of where the primary was afterwards: it has replayed what the primary never wrote, and cannot
   * find back without being started anew. Their positions are of different histories, whichever is the higher one later.
   */
  part(): void {
    this.#isApart = true;
  }

  get isApart(): boolean {
    return this.#isApart;
  }

  /** The primary was at `position` at a moment that is no earlier than `at`. */
  notePrimary(at: number, position: bigint): void {
    this.#ahead.push({ at, position });
    if (this.#ahead.length > MAX_SAMPLES) this.#ahead = this.#ahead.filter((_, index) => index % 2 === 0);
  }

  /** The standby has replayed everything up to `position`. */
  noteStandby(position: bigint): void {
    const isReplayed = (sample: Sample): boolean => sample.position <= position;
    this.#replayed = this.#ahead.findLast(isReplayed) ?? this.#replayed;
    this.#ahead = this.#ahead.filter((sample) => !isReplayed(sample));
  }

  /** Milliseconds that the standby's data is old at most; Infinity where that is not known. */
  lagMs(now: number): number {
    return this.#replayed === undefined || this.#isApart ? Number.POSITIVE_INFINITY : now - this.#replayed.at;
  }
}
