const TICK_MS = 10;

interface Stall {
  readonly from: number;
  readonly to: number;
}

/**
 * Notes when the event loop of this process stood still: an answer that lay there unread is not late. Times are those of
 * `performance.now()`.
 */
export class OwnStalls implements Disposable {
  readonly #stalls: Stall[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #tickedAt = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK_MS);
  }

  /** Milliseconds of a stretch that ends now in which nothing could be read. */
  since(from: number): number {
    this.#look();
    let stalledMs = 0;
    for (const stall of this.#stalls.toReversed()) {
      if (stall.to <= from) break;
      stalledMs += stall.to - Math.max(stall.from, from);
    }
    return stalledMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const dueAt = this.#tickedAt + TICK_MS;
    if (now > dueAt) this.#stalls.push({ from: dueAt, to: now });
    if (now >= dueAt) this.#tickedAt = now;
  }
}
