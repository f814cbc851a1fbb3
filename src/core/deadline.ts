import { AsyncLocalStorage } from "node:async_hooks";

/** The moment, on the clock's scale, by which an answer is due, and the signal that says nobody wants it any more. */
export interface Deadline {
  readonly at: number;
  readonly signal?: AbortSignal;
  /** Such a signal that costs something to make: for those who wait for longer than most. */
  makeSignal?(): AbortSignal;
  /** The request was answered: what still runs in its course, say a timer that it started, is no part of it. */
  readonly isAnswered?: boolean;
}

const requestDeadline = new AsyncLocalStorage<Deadline>();

/** Runs `work` so that everything awaited in it finds this deadline. */
export function runWithDeadline<T>(deadline: Deadline, work: () => T): T {
  return requestDeadline.run(deadline, work);
}

/** The deadline of the request in whose course this is called. */
export function currentDeadline(): Deadline | undefined {
  const deadline = requestDeadline.getStore();
  return deadline?.isAnswered ? undefined : deadline;
}

/** Its signal, made if need be. */
export function signalOf(deadline: Deadline): AbortSignal | undefined {
  return deadline.signal ?? deadline.makeSignal?.();
}

/** The earlier of two; a signal of either is kept, both are combined. */
export function earlier(a: Deadline | undefined, b: Deadline): Deadline {
  if (a === undefined) return b;
  const at = Math.min(a.at, b.at);
  const signals = [a, b].flatMap((deadline) => signalOf(deadline) ?? []);
  return signals.length === 0 ? { at } : { at, signal: AbortSignal.any(signals) };
}
