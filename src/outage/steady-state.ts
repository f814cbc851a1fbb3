import { type Clock, sleep } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { countRequests, type LedgerEntry, succeeded } from "./ledger.ts";
import { findRecovery, lastUnsteadyAt, type SeenLoad } from "./recovery.ts";

const LOOK_EVERY_MS = 100;

/**
 * Makes sure that the second half of the warm-up was without a failure or a slow answer, and without a look at its
 * health that found it unwell: what was not steady before the fault proves nothing after it.
 * @throws DebyError CANNOT_RUN with the answers that there were, or what its health said
 */
export function requireSteady(load: SeenLoad, loadAt: number, now: number): void {
  const { entries, health } = load;
  const since = loadAt + (now - loadAt) / 2;
  const unsteadyAt = lastUnsteadyAt(load, now);
  const isSteady = unsteadyAt === undefined || unsteadyAt < since;
  if (isSteady && entries.some((entry) => entry.kind === "write" && succeeded(entry))) return;
  const alarm = health.findLast(({ at, isWell }) => at >= since && !isWell);
  const seen = alarm === undefined ? describeAnswers(entries) : `its health said "${alarm.state}"`;
  throw new DebyError("CANNOT_RUN", `The server is not steady before the fault, so nothing can be proven: ${seen}`);
}

function describeAnswers(entries: readonly LedgerEntry[]): string {
  const answers = Object.entries(countRequests(entries, Number.POSITIVE_INFINITY).byCode);
  return answers.map(([label, count]) => `${count} × ${label}`).join(", ") || "no answer at all";
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
      const unsteadyAt = Math.max(recoveredAt, lastUnsteadyAt(load, clock.now()) ?? 0);
      if (clock.now() - unsteadyAt >= steadyForMs) return;
    }
    await sleep(clock, LOOK_EVERY_MS, signal);
  }
}
