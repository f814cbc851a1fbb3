import { HELD_AFTER_MS, type LedgerEntry, latencyMs, succeeded } from "./ledger.ts";
import type { Sighting } from "./timeline.ts";

/** So many successful writes in a row prove that the server is back. */
const WRITES_IN_A_ROW = 5;

/**
 * When the server was back for good: the answer of the first of five successful writes in a row, in the order of their
 * answers, counting from the healing. Undefined if there is no such row.
 */
export function findRecovery(entries: readonly LedgerEntry[], healedAt: number): number | undefined {
  let firstAt: number | undefined;
  let inARow = 0;
  for (const write of endedWrites(entries, healedAt)) {
    if (!succeeded(write)) {
      firstAt = undefined;
      inARow = 0;
      continue;
    }
    firstAt ??= write.endedAt;
    inARow += 1;
    if (inARow === WRITES_IN_A_ROW) return firstAt;
  }
  return undefined;
}

function endedWrites(entries: readonly LedgerEntry[], healedAt: number): LedgerEntry[] {
  return entries
    .filter((entry) => entry.kind === "write" && entry.ending !== "cut" && (entry.endedAt ?? 0) > healedAt)
    .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
}

/** What is seen of a server under load. */
export interface SeenLoad {
  readonly entries: readonly LedgerEntry[];
  readonly health: readonly Sighting[];
}

/**
 * The last moment at which something was not as it should be: a failure, an answer that took more than a second, a
 * request that is still waiting for so long, or a look at the server's health that found it unwell. Undefined if all was
 * well all the time.
 * @param now while requests are open; their waiting counts until then
 */
export function lastUnsteadyAt({ entries, health }: SeenLoad, now: number): number | undefined {
  let last = health.findLast(({ isWell }) => !isWell)?.at;
  for (const entry of entries) {
    if (entry.ending === "cut") continue;
    const endedAt = entry.endedAt ?? now;
    const tookMs = latencyMs(entry) ?? now - entry.intendedAt;
    const isWell = entry.ending === "open" || succeeded(entry);
    if (isWell && tookMs <= HELD_AFTER_MS) continue;
    if (last === undefined || endedAt > last) last = endedAt;
  }
  return last;
}
