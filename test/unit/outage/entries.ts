import type { LedgerEntry } from "../../../src/outage/ledger.ts";
import type { Sighting } from "../../../src/outage/timeline.ts";

let made = 0;

/** A ledger entry, by default a write that was answered 201 after 5 ms. */
export function makeEntry(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  const intendedAt = changes.intendedAt ?? 0;
  made += 1;
  return {
    id: `id-${made}`,
    kind: "write",
    intendedAt,
    startedAt: intendedAt,
    ending: "answered",
    endedAt: intendedAt + 5,
    status: 201,
    code: undefined,
    outcome: undefined,
    ...changes,
  };
}

/** A write that got a problem document for an answer. */
export function makeFailure(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return makeEntry({ status: 503, code: "DATABASE_UNAVAILABLE", outcome: "not-executed", ...changes });
}

/** A request that is still waiting. */
export function makeOpen(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return makeEntry({ ending: "open", endedAt: undefined, status: undefined, ...changes });
}

/** What the health route said at a moment; only `up` is well. */
export function saw(at: number, state: string): Sighting {
  return { at, state, isWell: state === "up" };
}
