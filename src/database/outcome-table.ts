import { MARK_LOCK } from "./mark-lock.ts";
import { DEBY_LOCK, OwnTable } from "./own-table.ts";
import type { Transaction } from "./statement.ts";

/** A key and whose it is. */
export interface ScopedKey {
  readonly scope: string;
  readonly key: string;
}

/** A transaction as the server knows it, so that it can be told from all others. */
export type TransactionMark = BackendMark | LockMark;

/** By its backend, and among all transactions that this has run. */
interface BackendMark {
  readonly pid: number;
  readonly backendStart: string;
  /** Undefined where the connection was lost before the transaction had told it. */
  readonly xactStart: string | undefined;
}

/** Behind a pooler nobody knows the backend beforehand: by the number of a lock that no other transaction holds. */
interface LockMark {
  readonly lock: number;
}

/** What is known of a key that is there. */
interface KeyRow {
  readonly fingerprint: string | null;
  /** JSON; null where the work gave nothing back. */
  readonly result: string | null;
}

/** One row for each key whose work was done: made and committed together with it. */
export function createOutcomeTable(): OwnTable {
  return new OwnTable({
    name: "outcome",
    columns: [
      "key text not null",
      "scope text not null",
      "fingerprint text",
      "result text",
      "created_at timestamptz not null default now()",
      "confirmed_at timestamptz",
      "primary key (key, scope)",
    ].join(", "),
    // Each row is written twice in its own transaction; the second version stays on its page.
    options: "with (fillfactor = 70)",
    indexes: [{ name: "outcome_created_at", on: "created_at" }],
    rights: "select, insert, update, delete",
  });
}

/** Does not depend on the database's defaults. Each statement has a snapshot of its own. */
export const BEGIN = "begin isolation level read committed read write";

/** In milliseconds. */
export interface KeyLimits {
  /** How long the transaction may rest: a server that loses us keeps its locks no longer. */
  readonly idleTimeoutMs: number;
  /** How long the key is waited for; what the work waits for is its own affair. */
  readonly lockTimeoutMs: number;
}

/**
 * Takes the key: waits for whoever has it in a transaction that is not over. Undefined where it is there already.
 * What holds for the transaction is set in the same statement, which saves a round trip; the shared lock is what tells
 * others that a transaction with this key is under way.
 */
export async function insertKey(
  tx: Transaction,
  { scope, key, fingerprint }: ScopedKey & { readonly fingerprint: string | undefined },
  { idleTimeoutMs, lockTimeoutMs }: KeyLimits,
  mark: TransactionMark,
): Promise<TransactionMark | undefined> {
  const lock = "lock" in mark ? mark.lock : null;
  const [taken] = await tx.query<{ xactStart: string }>`
    insert into deby.outcome (key, scope, fingerprint)
    select ${key}, ${scope}, ${fingerprint ?? null} from (select
      set_config('idle_in_transaction_session_timeout', ${inMs(idleTimeoutMs)}, true),
      set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true),
      set_config('deby.lock_timeout', current_setting('lock_timeout'), true),
      set_config('lock_timeout', ${inMs(lockTimeoutMs)}, true),
      pg_advisory_xact_lock_shared(${DEBY_LOCK}, ${lockOf(key)}),
      case when ${lock}::int is not null then pg_advisory_xact_lock_shared(${MARK_LOCK}, ${lock}::int) end) as settings
    on conflict do nothing
    returning now()::text as "xactStart", set_config('lock_timeout', current_setting('deby.lock_timeout'), true)`;
  if (taken === undefined) return undefined;
  return "lock" in mark ? mark : { ...mark, xactStart: taken.xactStart };
}

/** 0 would be no limit at all. */
function inMs(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)));
}

/**
 * The row of a key that is there. Written, not read: the answer to this transaction's COMMIT is then worth as much as
 * that of the one that made the row, which may still wait for its standby. Undefined where it has gone meanwhile.
 */
export async function confirmKey(tx: Transaction, { scope, key }: ScopedKey): Promise<KeyRow | undefined> {
  const [row] = await tx.query<KeyRow>`
    update deby.outcome set confirmed_at = clock_timestamp() where key = ${key} and scope = ${scope}
    returning fingerprint, result`;
  return row;
}

/** Whether the row of the key is still this transaction's to write. */
export async function storeResult(tx: Transaction, { scope, key }: ScopedKey, result: string | null): Promise<boolean> {
  const rows = await tx.query`
    update deby.outcome set result = ${result} where key = ${key} and scope = ${scope} returning 1`;
  return rows.length === 1;
}

/**
 * Ends a backend that waits for us in a transaction of ours which it will never hear of again, be it in the middle of a
 * statement that comes in several messages. Never one at work: it may be committing, or waiting for its standby.
 */
export async function endResting(tx: Transaction, mark: TransactionMark): Promise<void> {
  if ("lock" in mark) return await endHolder(tx, mark.lock);
  const { pid, backendStart, xactStart } = mark;
  await tx.query`
    select pg_terminate_backend(pid) from pg_stat_activity
    where pid = ${pid} and backend_start = nullif(${backendStart}, '')::timestamptz
      and (${xactStart ?? null}::text is null or xact_start = ${xactStart ?? null}::text::timestamptz)
      and (state in ('idle in transaction', 'idle in transaction (aborted)')
        or (state = 'active' and wait_event = 'ClientRead'))`;
}

/** The same for whoever holds this lock, which no transaction keeps beyond its end. */
async function endHolder(tx: Transaction, lock: number): Promise<void> {
  await tx.query`
    select pg_terminate_backend(a.pid) from pg_catalog.pg_locks l
      join pg_catalog.pg_database d on d.oid = l.database join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and d.datname = current_database() and l.objsubid = 2
      and l.classid::bigint = ${MARK_LOCK} and l.objid::bigint = ${lock >>> 0}
      and (a.state in ('idle in transaction', 'idle in transaction (aborted)')
        or (a.state = 'active' and a.wait_event = 'ClientRead'))`;
}

/** Whether a transaction with this key is under way, in whatever process. */
export async function isKeyLocked(tx: Transaction, key: string): Promise<boolean> {
  const locks = await tx.query`
    select 1 from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
    where l.locktype = 'advisory' and d.datname = current_database() and l.objsubid = 2
      and l.classid::bigint = ${DEBY_LOCK} and l.objid::bigint = ${lockOf(key) >>> 0}`;
  return locks.length > 0;
}

/** Confirms the rows of this key, in whatever scope where none is given; whether there is one. */
export async function confirmAny(tx: Transaction, key: string, scope: string | undefined): Promise<boolean> {
  const rows = await tx.query`
    update deby.outcome set confirmed_at = clock_timestamp()
    where key = ${key} and (${scope ?? null}::text is null or scope = ${scope ?? null}::text)
    returning set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)`;
  return rows.length > 0;
}

/** The same where nothing can be written. */
export async function isKeyThere(
  { query }: Pick<Transaction, "query">,
  key: string,
  scope: string | undefined,
): Promise<boolean> {
  const rows = await query`
    select 1 from deby.outcome
    where key = ${key} and (${scope ?? null}::text is null or scope = ${scope ?? null}::text)`;
  return rows.length > 0;
}

/**
 * Deletes up to `limit` keys older than the retention that nobody holds; how many there were, 0 also where another
 * process is at it. Durable when it happens to be: what a crash brings back is deleted again.
 */
export async function pruneKeys(
  tx: Transaction,
  { retentionMs, limit }: { readonly retentionMs: number; readonly limit: number },
): Promise<number> {
  const [lock] = await tx.query<{ isOurs: boolean }>`
    select pg_try_advisory_xact_lock(${DEBY_LOCK}, 0) as "isOurs", set_config('synchronous_commit', 'off', true)`;
  if (!lock?.isOurs) return 0;
  const deleted = await tx.query`
    delete from deby.outcome where ctid = any(array(
      select ctid from deby.outcome where created_at < now() - make_interval(secs => ${retentionMs / 1000})
      order by created_at limit ${limit} for update skip locked))
    returning 1`;
  return deleted.length;
}

/** Never 0. Equal keys have equal numbers; that others may have the same one makes an answer later, never wrong. */
function lockOf(key: string): number {
  return Bun.hash.crc32(key) | 1;
}
