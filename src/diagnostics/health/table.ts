import type { CheckStatus } from "../check.ts";

/** From which value on a check is no longer content; a limit that is not there is never reached. */
export interface Limits {
  readonly warn?: number;
  readonly fail?: number;
  /** A second measure, in bytes. */
  readonly warnBytes?: number;
}

/** What limits are counted in: seconds, shares of 1, transactions, or so many of what was found. */
type Unit = "seconds" | "share" | "transactions" | "a day" | "found";

/** What stands in the table about one check. */
export interface HealthRow {
  /** Stable: scripts name it. */
  readonly id: string;
  readonly title: string;
  /** The worst that it can be; `pass` is for information. */
  readonly worst: Extract<CheckStatus, "pass" | "warn" | "fail">;
  readonly limits: Limits;
  readonly unit: Unit;
}

const FOUND_WARNS = { warn: 1 };
const FOUND_FAILS = { fail: 1 };

/** Every health check with its thresholds and severity. */
export const TABLE = {
  checksums: row("checksums", "Data checksums", "fail", FOUND_FAILS),
  blockedSessions: row("blocked-sessions", "Blocked sessions", "fail", { warn: 5, fail: 60 }, "seconds"),
  connections: row("connections", "Connections in use", "fail", { warn: 0.8, fail: 0.95 }, "share"),
  wraparound: row("wraparound", "Transaction id wraparound", "fail", { warn: 650e6, fail: 1.5e9 }, "transactions"),
  sequences: row("sequences", "Sequences running out", "fail", { warn: 0.75, fail: 0.9 }, "share"),
  idleInTransaction: row("idle-in-transaction", "Idle in transaction", "fail", { warn: 60, fail: 600 }, "seconds"),
  longQuery: row("long-query", "Long queries", "fail", { warn: 60, fail: 600 }, "seconds"),
  preparedTransactions: row("prepared-transactions", "Prepared transactions", "warn", { warn: 60 }, "seconds"),
  // A lost one fails at once.
  replicationSlots: row("replication-slots", "Replication slots", "fail", { warn: 1_800 }, "seconds"),
  archiver: row("archiver", "WAL archiving", "fail", FOUND_FAILS),
  replicaLag: row("replica-lag", "Replica lag", "warn", { warn: 30, warnBytes: 256 * 2 ** 20 }, "seconds"),
  poolSize: row("pool-size", "Pool size against the server", "fail", { warn: 0.8, fail: 0.95 }, "share"),
  invalidIndexes: row("invalid-indexes", "Invalid indexes", "fail", FOUND_FAILS),
  crashSafety: row("crash-safety", "Safety in a crash", "warn", FOUND_WARNS),
  synchronousCommit: row("synchronous-commit", "Synchronous commit", "warn", FOUND_WARNS),
  timeouts: row("timeouts", "Server timeouts", "warn", FOUND_WARNS),
  deadlocks: row("deadlocks", "Deadlocks", "warn", { warn: 1 }, "a day"),
  deadRows: row("dead-rows", "Dead rows", "warn", FOUND_WARNS),
  neverAnalysed: row("never-analysed", "Tables without statistics", "warn", FOUND_WARNS),
  foreignKeys: row("foreign-keys", "Foreign keys without an index", "warn", FOUND_WARNS),
  duplicateIndexes: row("duplicate-indexes", "Duplicate indexes", "warn", FOUND_WARNS),
  unvalidatedConstraints: row("unvalidated-constraints", "Unvalidated constraints", "warn", FOUND_WARNS),
  extensions: row("extensions", "Extensions", "warn", FOUND_WARNS),
  encryption: row("encryption", "Encryption on the way", "warn", FOUND_WARNS),
  superuser: row("superuser", "Application role", "warn", FOUND_WARNS),
  md5Passwords: row("md5-passwords", "Passwords kept as MD5", "warn", FOUND_WARNS),
  monitorRole: row("monitor-role", "Right to look", "warn", FOUND_WARNS),
  unusedIndexes: row("unused-indexes", "Unused indexes", "pass", {}),
  cacheHits: row("cache-hits", "Cache hit ratio", "pass", {}),
} as const;

function row(id: string, title: string, worst: HealthRow["worst"], limits: Limits, unit: Unit = "found"): HealthRow {
  return { id, title, worst, limits, unit };
}

/** When a check is no longer content: `Warns from 60 s on, fails from 10 min on.` */
export function severityOf({ worst, limits, unit }: Pick<HealthRow, "worst" | "limits" | "unit">): string {
  if (worst === "pass") return "For information.";
  if (unit === "found") return `A finding is a ${worst === "fail" ? "failure" : "warning"}.`;
  const { warn, fail } = limits;
  const words = [
    ...(warn === undefined ? [] : [`warns${from(warn, unit)}`]),
    ...(fail === undefined ? [] : [`fails${from(fail, unit)}`]),
  ].join(", ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function from(limit: number, unit: Exclude<Unit, "found">): string {
  switch (unit) {
    case "seconds":
      return ` from ${limit < 600 ? `${limit} s` : `${limit / 60} min`} on`;
    case "share":
      return ` from ${Math.round(limit * 100)} % on`;
    case "transactions":
      return ` from ${(limit / 1e6).toLocaleString("en-US")} M transactions on`;
    case "a day":
      return ` from ${limit} a day on`;
    default:
      return unit satisfies never;
  }
}
