import type { Clock } from "../core/clock.ts";
import { type ProbeOptions, type ProbeResult, probeRaw } from "./raw-probe.ts";
import { Repeater } from "./repeat.ts";

const PROBE_EVERY_MS = 10;
const PROBE_LIMIT_MS = 500;
/** Enough that a mute server does not slow the beat, few enough that one that starts is not stormed. */
const PROBES_AT_ONCE = 8;
/** While the return of a mute server is expected, probes begin so far apart that one is always about to. */
const RETURN_PROBE_EVERY_MS = PROBE_LIMIT_MS / PROBES_AT_ONCE;
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

  constructor(database: Omit<ProbeOptions, "limitMs">, clock: Clock) {
    let underWay = 0;
    let lastStartedAt = Number.NEGATIVE_INFINITY;
    this.#repeater = new Repeater({ clock, everyMs: PROBE_EVERY_MS, maxAtOnce: PROBES_AT_ONCE }, async () => {
      const startedAt = clock.now();
      const isMute = underWay > 1 || this.#muteSince !== undefined;
      if (isMute && startedAt - lastStartedAt < this.#pauseMs(startedAt)) return;
      lastStartedAt = startedAt;
      underWay += 1;
      const result = await probeRaw({ ...database, limitMs: PROBE_LIMIT_MS });
      underWay -= 1;
      this.#sightings.push({ startedAt, endedAt: clock.now(), result });
      this.#muteSince = result === "mute" ? (this.#muteSince ?? startedAt) : undefined;
      for (const check of this.#waiters) check();
    });
  }

  /** Between the beginnings of two probes of a mute server. */
  #pauseMs(now: number): number {
    if (this.#isReturnExpected) return RETURN_PROBE_EVERY_MS;
    return Math.max(PROBE_LIMIT_MS, (now - (this.#muteSince ?? now)) * MUTE_PAUSE_PART);
  }

  /** From now on a mute server is seen back within 63 ms and the time that it takes to answer. */
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
