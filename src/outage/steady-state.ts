import { type Clock, sleep } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { countRequests, type LedgerEntry, succeeded } from "./ledger.ts";
import { findRecovery, lastUnsteadyAt, lastUnwellAt } from "./recovery.ts";
import type { Sighting } from "./timeline.ts";

const LOOK_EVERY_MS = 100;

/** What is seen of a server under load: both lists grow. */
export interface SeenLoad {
  readonly entries: readonly LedgerEntry[];
  readonly health: readonly Sighting[];
}

/**
 * Makes sure that the second half of the warm-up was without a failure or a slow answer, and without a look at its
 * health that found it unwell: what was not steady before the fault proves nothing after it.
 * @throws DebyError CANNOT_RUN with the answers that there were
 */
export function requireSteady({ entries, health }: SeenLoad, loadAt: number, now: number): void {
  const since = loadAt + (now - loadAt) / 2;
  const alarm = health.findLast(({ at, isWell }) => at >= since && !isWell);
  if (alarm !== undefined) {
    const what = `its health said "${alarm.state}"`;
    throw new DebyError("CANNOT_RUN", `The server is not steady before the fault, so nothing can be proven: ${what}`);
  }
  const unsteadyAt = lastUnsteadyAt(entries, now);
  const isSteady = unsteadyAt === undefined || unsteadyAt < since;
  if (isSteady && entries.some((entry) => entry.kind === "write" && succeeded(entry))) return;
  const answers = Object.entries(countRequests(entries, Number.POSITIVE_INFINITY).byCode);
  const seen = answers.map(([label, count]) => `${count} × ${label}`).join(", ") || "no answer at all";
  throw new DebyError("CANNOT_RUN", `The server is not steady before the fault, so nothing can be proven: ${seen}`);
}

export interface SteadyWait {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly healedAt: number;
  /** When all must be well at the latest, counted from the healing, in milliseconds. */
  readonly settleMs: number;
  /** How long all must have been well, in milliseconds. */
  readonly steadyForMs: number;
  /** Called once, when writes succeed again. */
  readonly onBack: (ttrMs: number) => void;
}

/**
 * Waits until all has been well for a while, the signal fires, or the time for it is over: the last moment at which it
 * may begin to be well, and the while after it.
 */
export async function waitUntilSteady(
  load: SeenLoad,
  { clock, signal, healedAt, settleMs, steadyForMs, onBack }: SteadyWait,
): Promise<void> {
  let isBack = false;
  while (!signal.aborted && clock.now() < healedAt + settleMs + steadyForMs) {
    const recoveredAt = findRecovery(load.entries, healedAt);
    if (recoveredAt !== undefined) {
      if (!isBack) onBack(recoveredAt - healedAt);
      isBack = true;
      const unsteadyAt = Math.max(
        recoveredAt,
        lastUnsteadyAt(load.entries, clock.now()) ?? 0,
        lastUnwellAt(load.health) ?? 0,
      );
      if (clock.now() - unsteadyAt >= steadyForMs) return;
    }
    await sleep(clock, LOOK_EVERY_MS, signal);
  }
}
