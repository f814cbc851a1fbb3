import type { Clock } from "./clock.ts";

/** A timer that fires later than this was held up by our own event loop. */
const LATE_MS = 100;
const GRACE_MS = 50;

export interface WithinOptions {
  readonly clock: Clock;
  /** On the clock's scale, in milliseconds. */
  readonly deadlineAt: number;
  readonly signal?: AbortSignal;
}

/** An error with a code, as sockets have them. */
export function codedError(code: string, message: string, cause?: unknown): Error & { code: string } {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/**
 * A promise that is rejected with `code` ETIMEDOUT at the deadline and ABORT_ERR when the signal fires. What settles
 * first wins; cleaning up after the loser is the caller's.
 */
export function within<T>(
  { clock, deadlineAt, signal }: WithinOptions,
  executor: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onTimeout = () => settle(() => reject(codedError("ETIMEDOUT", "No answer in time")));
    const onAbort = () => settle(() => reject(codedError("ABORT_ERR", "Given up")));
    let timer = clock.after(deadlineAt - clock.now(), () => {
      // A late timer means that we were busy, not that nobody answered: what has arrived meanwhile is heard first.
      if (clock.now() - deadlineAt < LATE_MS) onTimeout();
      else timer = clock.after(GRACE_MS, onTimeout);
    });
    function settle(act: () => void): void {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      act();
    }
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    executor(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}
