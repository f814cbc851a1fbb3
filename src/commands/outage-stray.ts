import type { Log } from "../core/log.ts";
import type { InterruptionSource } from "../outage/interruption.ts";
import { EXIT } from "./outage-conclusion.ts";

/** Errors that nobody caught while something was broken: they end the run as a Ctrl-C does, and never its healing. */
export class StrayErrors {
  readonly #interruption: InterruptionSource;
  /** In a list, since anything can be thrown, undefined too. */
  readonly #first: unknown[] = [];

  constructor(interruption: InterruptionSource) {
    this.#interruption = interruption;
  }

  /** Keeps the first. What asks a second time would cut healing short, which no error of ours may do. */
  take(error: unknown): void {
    if (this.#first.length === 0) this.#first.push(error);
    if (!this.#interruption.signal.aborted) this.#interruption.request();
  }

  /**
   * Has the run told, whatever strayed, and its exit code where something was left behind.
   * @throws the first error that strayed, unless something was left behind; else what the telling throws
   */
  conclude(log: Log, tell: () => number): number {
    if (this.#first.length === 0) return tell();
    const [error] = this.#first;
    let exitCode: number | undefined;
    try {
      exitCode = tell();
    } catch (failure) {
      log.error("outage.failed", messageOf(failure));
    }
    if (exitCode !== EXIT.cleanUpFailed) throw error;
    log.error("outage.stray-error", `Unexpected error: ${messageOf(error)}`);
    return exitCode;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
