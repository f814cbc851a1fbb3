import type { Clock, Timer } from "./clock.ts";

/** A wait is cut into slices of at most this length, in milliseconds, each of which tells how late we are ourselves. */
const SLICE_MS = 100;
/** Timers are this much late on a machine that has other things to do, too. */
const TIMER_SLACK_MS = 20;

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
 * first wins; cleaning up after the loser is the caller's. Time in which our own event loop stood still does not count,
 * up to the length of the wait: it is not the peer's fault.
 */
export function within<T>(
  { clock, deadlineAt, signal }: WithinOptions,
  executor: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const startedAt = clock.now();
    let stalledMs = 0;
    let dueAt = startedAt;
    let timer: Timer | undefined;
    const onAbort = () => settle(() => reject(codedError("ABORT_ERR", "Given up")));
    function tick(): void {
      const now = clock.now();
      stalledMs = Math.min(stalledMs + Math.max(0, now - dueAt - TIMER_SLACK_MS), deadlineAt - startedAt);
      const leftMs = deadlineAt + stalledMs - now;
      if (leftMs <= 0) {
        settle(() => reject(codedError("ETIMEDOUT", "No answer in time")));
        return;
      }
      const sliceMs = Math.min(leftMs, SLICE_MS);
      dueAt = now + sliceMs;
      timer = clock.after(sliceMs, tick);
    }
    function settle(act: () => void): void {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
      act();
    }
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    tick();
    if (timer === undefined) return;
    executor(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}
