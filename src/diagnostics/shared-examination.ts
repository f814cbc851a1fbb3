import type { Clock } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import type { Subject } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { examine } from "./examine.ts";
import type { CheckReport } from "./report-model.ts";
import { selectChecks } from "./select-checks.ts";

/** Longest time for one check of a running server, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** A running server's examinations of its own database: one at a time, and who asks meanwhile gets the same report. */
export class SharedExamination {
  readonly #subject: Subject;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  #running: Promise<CheckReport> | undefined;

  constructor(subject: Subject, clock: Clock) {
    this.#subject = subject;
    this.#clock = clock;
  }

  /** @throws DebyError SHUTTING_DOWN once it is stopped */
  async report(): Promise<CheckReport> {
    this.#running ??= this.#examine().finally(() => {
      this.#running = undefined;
    });
    try {
      return await this.#running;
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
      throw new DebyError("SHUTTING_DOWN", "The server is shutting down");
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  #examine(): Promise<CheckReport> {
    const { signal } = this.#stopped;
    const selection = selectChecks(CHECKS);
    return examine(this.#subject, { clock: this.#clock, timeoutMs: TIMEOUT_MS, signal, selection });
  }
}
