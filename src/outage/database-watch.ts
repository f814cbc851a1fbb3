import type { Clock } from "../core/clock.ts";
import { type ProbeOptions, type ProbeResult, probeRaw } from "./raw-probe.ts";
import { Repeater } from "./repeat.ts";

const PROBE_EVERY_MS = 10;
/**
 * A probe that has waited so long is given up, or so many times longer than the last answer took: probes that a busy
 * machine would have answered later, given up and made anew, are all that it is busy with in the end.
 */
const SHORTEST_LIMIT_MS = 500;
const LIMIT_PER_ANSWER = 10;
const LONGEST_LIMIT_MS = 5000;
/**
 * Enough that a mute server does not slow the beat, few enough that one that starts is not stormed: it answers all of
 * them at its return, and each costs it a process.
 */
const PROBES_AT_ONCE = 4;
/**
 * Before that they are rare, and rarer with this part of the time that it has been mute: whatever holds them back may
 * let go of all of them at once.
 */
const MUTE_PAUSE_PART = 0.05;

export interface ProbeSighting {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly result: ProbeResult;
}

/** Probes the database itself every 10 ms while it is watched: the witness that is independent of the server's pool. */
export class DatabaseWatch implements AsyncDisposable {
  readonly #sightings: ProbeSighting[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #repeater: Repeater;
  #isReturnExpected = false;
  #muteSince: number | undefined;
  #lastAnswerMs = 0;

  constructor(database: Omit<ProbeOptions, "limitMs">, clock: Clock) {
    let underWay = 0;
    let lastStartedAt = Number.NEGATIVE_INFINITY;
    this.#repeater = new Repeater({ clock, everyMs: PROBE_EVERY_MS, maxAtOnce: PROBES_AT_ONCE }, async () => {
      const startedAt = clock.now();
      const isMute = underWay > 1 || this.#muteSince !== undefined;
      if (isMute && startedAt - lastStartedAt < this.#pauseMs(startedAt)) return;
      lastStartedAt = startedAt;
      underWay += 1;
      const result = await probeRaw({ ...database, limitMs: this.#limitMs });
      underWay -= 1;
      const endedAt = clock.now();
      this.#sightings.push({ startedAt, endedAt, result });
      if (result === "ready" || result === "turned-away") this.#lastAnswerMs = endedAt - startedAt;
      this.#muteSince = result === "mute" ? (this.#muteSince ?? startedAt) : undefined;
      for (const check of this.#waiters) check();
    });
  }

  get #limitMs(): number {
    return Math.min(Math.max(SHORTEST_LIMIT_MS, LIMIT_PER_ANSWER * this.#lastAnswerMs), LONGEST_LIMIT_MS);
  }

  /** Between the beginnings of two probes of a mute server; while its return is expected, one is always about to begin. */
  #pauseMs(now: number): number {
    if (this.#isReturnExpected) return this.#limitMs / PROBES_AT_ONCE;
    return Math.max(this.#limitMs, (now - (this.#muteSince ?? now)) * MUTE_PAUSE_PART);
  }

  /** From now on a mute server is seen back within 125 ms, unless it was slow to answer before, and the time that it takes to answer. */
  expectReturn(): void {
    this.#isReturnExpected = true;
  }

  /** When a probe that began at or after `since` first got another answer than a session. */
  firstFailure(since: number): number | undefined {
    return this.#sightings.find(({ startedAt, result }) => startedAt >= since && result !== "ready")?.endedAt;
  }

  /** When a probe that began at or after `since` was first offered a session. */
  firstReady(since: number): number | undefined {
    return this.#sightings.find(({ startedAt, result }) => startedAt >= since && result === "ready")?.endedAt;
  }

  /** What the last probe found that has ended, of those that began at or after `since`. */
  last(since: number): ProbeSighting | undefined {
    return this.#sightings.findLast(({ startedAt }) => startedAt >= since);
  }

  /** Resolves once a probe that began at or after `since` was offered a session, or the signal fires. */
  untilReady(since: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!signal.aborted && this.firstReady(since) === undefined) return;
        this.#waiters.delete(check);
        signal.removeEventListener("abort", check);
        resolve();
      };
      this.#waiters.add(check);
      signal.addEventListener("abort", check);
      check();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#repeater[Symbol.asyncDispose]();
  }
}
