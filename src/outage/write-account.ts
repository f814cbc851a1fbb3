import { type LedgerEntry, succeeded } from "./ledger.ts";

/** What a write's answer promised about the table. */
export type WritePromise = "applied" | "not-applied" | "unknown";

/** Socket errors after which it is certain that no byte of the request was sent. */
const NEVER_SENT = new Set(["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH"]);

/** The writes' answers held against the table. */
export interface WriteAccount {
  readonly acknowledged: number;
  /** Writes whose answer leaves open whether they happened. */
  readonly unknown: number;
  /** What the table says; null where it could not be read. */
  readonly table: TableAccount | null;
}

interface TableAccount {
  /** Acknowledged, yet not in the table. */
  readonly lost: number;
  /** Rows beyond what the answers promised: `copies` + `strangers` + `denied`. */
  readonly duplicated: number;
  /** Rows of an id beyond its first. */
  readonly copies: number;
  /** Ids in the table that nobody wrote. */
  readonly strangers: number;
  /** In the table, although the answer said that nothing happened: whoever repeats such a write applies it twice. */
  readonly denied: number;
  /** How many of the unknown ones the table holds. */
  readonly unknownApplied: number;
}

/** What the answer of a write lets its client believe. An answer that says nothing leaves it unknown. */
export function writePromise(entry: LedgerEntry): WritePromise {
  if (succeeded(entry) || entry.outcome === "committed") return "applied";
  if (entry.outcome === "not-executed" || entry.outcome === "rolled-back") return "not-applied";
  if (entry.outcome === "unknown") return "unknown";
  if (entry.ending === "dropped" && NEVER_SENT.has(entry.code ?? "")) return "not-applied";
  if (entry.ending === "answered" && entry.status !== undefined && entry.status < 500) return "not-applied";
  return "unknown";
}

/**
 * Compares every write with the table.
 * @param rows how many rows the table holds for each id; undefined if it could not be read
 */
export function accountWrites(
  entries: readonly LedgerEntry[],
  rows: ReadonlyMap<string, number> | undefined,
): WriteAccount {
  const writes = entries.filter((entry) => entry.kind === "write");
  const ids: Record<WritePromise, string[]> = { applied: [], "not-applied": [], unknown: [] };
  for (const write of writes) ids[writePromise(write)].push(write.id);
  return {
    acknowledged: ids.applied.length,
    unknown: ids.unknown.length,
    table: rows === undefined ? null : accountTable(ids, rows),
  };
}

function accountTable(ids: Record<WritePromise, readonly string[]>, rows: ReadonlyMap<string, number>): TableAccount {
  const asked = new Set(Object.values(ids).flat());
  const present = (some: readonly string[]): number => some.filter((id) => rows.has(id)).length;
  const copies = [...rows.values()].reduce((sum, count) => sum + count - 1, 0);
  const strangers = [...rows.keys()].filter((id) => !asked.has(id)).length;
  const denied = present(ids["not-applied"]);
  return {
    lost: ids.applied.length - present(ids.applied),
    duplicated: copies + strangers + denied,
    copies,
    strangers,
    denied,
    unknownApplied: present(ids.unknown),
  };
}
