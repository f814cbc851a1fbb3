/** Thrown where a run gives up because it was told to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("Interrupted");
  }
}

/** @throws Interrupted once the signal fired */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted();
}

/** What a run needs to know of the user's wish to end it. */
export interface Interruption {
  /** Fires at the first request to end: heal, report what there is, leave nothing behind. */
  readonly signal: AbortSignal;
  /** Fires at the second: only leave nothing behind, and that at once. */
  readonly hurry: AbortSignal;
}

/** Waits for the work or the signal, whichever is first. Says nothing of how the work ended. */
export function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) return done();
    signal.addEventListener("abort", done);
    work.then(done, done);
  });
}

/** An interruption that whoever listens to the user's signals makes happen. */
export class InterruptionSource implements Interruption {
  readonly #first = new AbortController();
  readonly #second = new AbortController();

  get signal(): AbortSignal {
    return this.#first.signal;
  }

  get hurry(): AbortSignal {
    return this.#second.signal;
  }

  /** The first time asks to end, the second time to hurry. */
  request(): void {
    if (this.#first.signal.aborted) this.#second.abort();
    else this.#first.abort();
  }
}
