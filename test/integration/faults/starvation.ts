/** The event's name in the log of the server under test. */
const STARVED = "faults.starved";

const TICK_MS = 10;
/** Shorter ones are what timers are late by anyway. */
const LEAST_MS = 20;

/** A stretch in which the machine gave deby no processor though it wanted one; on the scale of `performance.now()`. */
export interface Starvation {
  readonly from: number;
  readonly to: number;
}

/**
 * Has the server under test tell when its event loop stood still without having used a processor: the load, the
 * database's sessions that end and this suite share two of them with it. What it used itself is its own.
 */
export function tellStarvation(): void {
  let lookedAt = performance.now();
  let usedBefore = process.cpuUsage();
  const look = (): void => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(usedBefore);
    const starvedMs = now - lookedAt - TICK_MS - (user + system) / 1000;
    if (starvedMs >= LEAST_MS) console.error(JSON.stringify({ event: STARVED, at: Date.now(), ms: starvedMs }));
    lookedAt = now;
    usedBefore = process.cpuUsage();
  };
  setInterval(look, TICK_MS).unref();
}

/** What the lines of its log tell of that. */
export function starvationsIn(lines: readonly string[]): Starvation[] {
  const aheadMs = Date.now() - performance.now();
  return lines
    .filter((line) => line.includes(STARVED))
    .map((line) => {
      const { at, ms } = JSON.parse(line) as { at: number; ms: number };
      return { from: at - aheadMs - ms, to: at - aheadMs };
    });
}

/** How much of a stretch of time it was starved, in milliseconds. */
export function starvedMs(starvations: readonly Starvation[], from: number, to: number): number {
  return starvations.reduce((sum, one) => sum + Math.max(0, Math.min(one.to, to) - Math.max(one.from, from)), 0);
}
