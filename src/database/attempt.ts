import type { Clock } from "../core/clock.ts";
import type { Answered, Watcher } from "./watcher.ts";

/**
 * Between two dials beside an attempt at one host: by the shortest time most are answered, one way or the other; more
 * than the longest could put off the first look after the attempt for too long.
 */
const LOOK_BESIDE_MS = { min: 500, max: 1000 } as const;

export interface AttemptDeps<C extends Answered> {
  readonly clock: Clock;
  readonly watcher: Pick<Watcher<C>, "look" | "wait" | "pauseMs">;
  readonly connect: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  /** Of several hosts one may be silent, and another be back at any moment. */
  readonly areSeveralHosts: boolean;
  /** When the outage began. */
  readonly lostAt: number;
  /** Where every dial is one more failed login, only the attempt itself is made. */
  readonly mayLook: () => boolean;
}

/**
 * A counted attempt. Its own dial has the whole of connect-timeout, since a server may be slow to let us in. In a black
 * hole it would be blind all the time, so the watcher goes on looking beside it; the first to succeed ends the other.
 */
export async function dialAndLook<C extends Answered>(
  { clock, watcher, connect, areSeveralHosts, lostAt, mayLook }: AttemptDeps<C>,
  deadlineAt: number,
  stopped: AbortSignal,
): Promise<C> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stopped]);
  const dialled = connect(deadlineAt, signal);
  const looked = (async () => {
    let lookedAt = clock.now();
    while (!signal.aborted && mayLook()) {
      const usualMs = watcher.pauseMs(clock.now() - lostAt);
      const besideMs = Math.min(Math.max(usualMs, LOOK_BESIDE_MS.min), LOOK_BESIDE_MS.max);
      const pauseMs = areSeveralHosts ? usualMs : besideMs;
      const late = await watcher.wait(lookedAt + pauseMs, signal);
      if (late) return late;
      if (signal.aborted || clock.now() >= deadlineAt) break;
      lookedAt = clock.now();
      const connection = await watcher.look(deadlineAt, signal);
      if (connection) return connection;
      // A search is many dials, and may take longer than the pause.
      if (areSeveralHosts) lookedAt = clock.now();
    }
    return await dialled;
  })();
  let first: C | undefined;
  try {
    first = await Promise.race([dialled, looked]);
    return first;
  } finally {
    over.abort();
    for (const other of [dialled, looked]) {
      other.then(
        (connection) => connection === first || connection.destroy("DATABASE_UNAVAILABLE", "Another was faster"),
        () => {},
      );
    }
  }
}
