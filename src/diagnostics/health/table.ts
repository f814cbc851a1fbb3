import type { CheckStatus } from "../check.ts";

/** From which value on a check is no longer content; a limit that is not there is never reached. */
export interface Limits {
  readonly warn?: number;
  readonly fail?: number;
  /** A second measure, in bytes. */
  readonly warnBytes?: number;
}

/** What stands in the table about one check. */
export interface HealthRow {
  /** Stable: scripts name it. */
  readonly id: string;
  readonly title: string;
  /** The worst that it can be; `pass` is for information. */
  readonly worst: Extract<CheckStatus, "pass" | "warn" | "fail">;
  readonly limits: Limits;
}

/** Every health check with its thresholds and severity. Shares are of 1, durations in seconds, ages in transactions. */
export const TABLE = {
  connections: row("connections", "Connections in use", "fail", { warn: 0.8, fail: 0.95 }),
  poolSize: row("pool-size", "Pool size against the server", "fail", { warn: 0.8, fail: 0.95 }),
  idleInTransaction: row("idle-in-transaction", "Idle in transaction", "fail", { warn: 60, fail: 600 }),
  longQuery: row("long-query", "Long queries", "fail", { warn: 60, fail: 600 }),
  blockedSessions: row("blocked-sessions", "Blocked sessions", "fail", { warn: 5, fail: 60 }),
  wraparound: row("wraparound", "Transaction id wraparound", "fail", { warn: 650e6, fail: 1.5e9 }),
  sequences: row("sequences", "Sequences running out", "fail", { warn: 0.75, fail: 0.9 }),
  invalidIndexes: row("invalid-indexes", "Invalid indexes", "fail", { fail: 1 }),
  replicationSlots: row("replication-slots", "Replication slots", "fail", { warn: 1800 }),
  checksums: row("checksums", "Data checksums", "fail", { fail: 1 }),
  archiver: row("archiver", "WAL archiving", "fail", { fail: 1 }),
  duplicateIndexes: row("duplicate-indexes", "Duplicate indexes", "warn", { warn: 1 }),
  foreignKeys: row("foreign-keys", "Foreign keys without an index", "warn", { warn: 1 }),
  unvalidatedConstraints: row("unvalidated-constraints", "Unvalidated constraints", "warn", { warn: 1 }),
  deadRows: row("dead-rows", "Dead rows", "warn", { warn: 1 }),
  neverAnalysed: row("never-analysed", "Tables without statistics", "warn", { warn: 1 }),
  replicaLag: row("replica-lag", "Replica lag", "warn", { warn: 30, warnBytes: 256 * 2 ** 20 }),
  preparedTransactions: row("prepared-transactions", "Prepared transactions", "warn", { warn: 60 }),
  deadlocks: row("deadlocks", "Deadlocks", "warn", { warn: 1 }),
  crashSafety: row("crash-safety", "Safety in a crash", "warn", { warn: 1 }),
  synchronousCommit: row("synchronous-commit", "Synchronous commit", "warn", { warn: 1 }),
  timeouts: row("timeouts", "Server timeouts", "warn", { warn: 1 }),
  superuser: row("superuser", "Application role", "warn", { warn: 1 }),
  encryption: row("encryption", "Encryption on the way", "warn", { warn: 1 }),
  md5Passwords: row("md5-passwords", "Passwords kept as MD5", "warn", { warn: 1 }),
  extensions: row("extensions", "Extensions", "warn", { warn: 1 }),
  monitorRole: row("monitor-role", "Right to look", "warn", { warn: 1 }),
  unusedIndexes: row("unused-indexes", "Unused indexes", "pass", {}),
  cacheHits: row("cache-hits", "Cache hit ratio", "pass", {}),
} as const;

function row(id: string, title: string, worst: HealthRow["worst"], limits: Limits): HealthRow {
  return { id, title, worst, limits };
}
