export interface WaitOptions {
  /** Default 10 000 ms. */
  readonly deadlineMs?: number;
  /** Pause between two looks. Default 10 ms. */
  readonly everyMs?: number;
}

/**
 * Looks again and again until `look` returns something truthy, and returns it.
 * @throws Error naming `what` when the deadline passes; the last error of `look` is its cause.
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, false | undefined | null | 0 | "">> {
  const { deadlineMs = 10_000, everyMs = 10 } = options;
  const giveUpAt = performance.now() + deadlineMs;
  let lastError: unknown;
  do {
    try {
      const found = await look();
      if (found) return found as Exclude<T, false | undefined | null | 0 | "">;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await Bun.sleep(everyMs);
  } while (performance.now() < giveUpAt);
  throw new Error(`Not within ${deadlineMs} ms: ${what}`, { cause: lastError });
}

/**
 * Gives `promise` a deadline.
 * @throws Error naming `what` when the deadline passes first.
 */
export async function within<T>(what: string, deadlineMs: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
