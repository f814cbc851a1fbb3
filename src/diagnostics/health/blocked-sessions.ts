import { healthCheck } from "./health-check.ts";
import type { Scene } from "./scene.ts";
import { TABLE } from "./table.ts";
import { count, excerpt, grade, listed, manual, mayNotRead, psql, spell } from "./words.ts";

/** One session that waits, and one of those that it waits for. What may not be seen is null. */
export interface BlockedRow {
  readonly pid: number;
  readonly user: string | null;
  readonly query: string;
  /** How long it has waited; null where that may not be seen. */
  readonly seconds: number | null;
  /** 0 is a prepared transaction, which no session holds. */
  readonly blocker: number;
  readonly blockerUser: string | null;
  readonly blockerState: string | null;
  /** Since when it has been in its state. */
  readonly blockerSeconds: number | null;
  readonly blockerQuery: string | null;
}

/** Asking who blocks whom holds up the lock manager for a moment; a hundred of those who wait longest are enough. */
const MOST_WAITING = 100;

/** The moment a wait began is known, to everybody, from 14 on. */
function question(version: number): string {
  const since = version >= 14 ? "coalesce(l.waitstart, a.query_start, clock_timestamp())" : "a.query_start";
  return `with waiting as (
      select l.pid, a.usename, a.query, min(${since}) as since
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where not l.granted and a.usesysid is not null and coalesce(a.backend_type, 'client backend') = 'client backend'
      group by 1, 2, 3 order by since limit ${MOST_WAITING}
    )
    select w.pid, w.usename as "user", w.query, extract(epoch from clock_timestamp() - w.since)::float8 as seconds,
      holder.pid as blocker, coalesce(b.usename::text, b.backend_type) as "blockerUser", b.state as "blockerState", b.query as "blockerQuery",
      extract(epoch from clock_timestamp() - b.state_change)::float8 as "blockerSeconds"
    from waiting w cross join lateral (select distinct unnest(pg_blocking_pids(w.pid)) as pid) holder
    left join pg_stat_activity b on b.pid = holder.pid
    order by w.since, w.pid, holder.pid`;
}

export const blockedSessionsCheck = healthCheck<readonly BlockedRow[]>({
  ...TABLE.blockedSessions,
  about: "Sessions that wait for a lock, and the one at the end of the queue that holds it.",
  look: ({ ask, version }) => ask<BlockedRow>(question(version)),
  judge(rows, scene) {
    const late = rows.filter(({ seconds }) => grade(seconds ?? 0, scene.limits) !== "pass");
    const [worst] = late;
    if (worst === undefined) {
      const hidden = new Set(rows.filter(({ seconds }) => seconds === null).map(({ pid }) => pid)).size;
      if (hidden > 0) return mayNotRead(`since when ${count(hidden, "session")} of other roles wait is hidden`, scene);
      return { status: "pass", evidence: "no session waits for long for another" };
    }
    const root = rootOf(worst, rows);
    const held = new Set(late.map(({ pid }) => pid)).size;
    const waits = late.map((row) => {
      return `pid ${row.pid} (${row.user ?? "unknown"}) waits ${spell(row.seconds ?? 0)} for ${holderOf(row)}: ${excerpt(row.query)}`;
    });
    return {
      status: grade(worst.seconds ?? 0, scene.limits),
      evidence: listed([lastWordOf(root), ...waits]),
      cause: `${describe(root)} keeps ${count(held, "session")} waiting, the longest for ${spell(worst.seconds ?? 0)}. ${whatToDo(root)}`,
      fix: fixFor(root, scene),
      docs: manual("view-pg-locks.html"),
    };
  },
});

/** The end of the queue: whoever waits for somebody who waits too is not helped by ending the latter. */
function rootOf(start: BlockedRow, rows: readonly BlockedRow[]): BlockedRow {
  const seen = new Set<number>();
  let row = start;
  while (!seen.has(row.blocker)) {
    seen.add(row.blocker);
    const next = rows.find(({ pid }) => pid === row.blocker);
    if (next === undefined) return row;
    row = next;
  }
  return row;
}

function holderOf({ blocker }: BlockedRow): string {
  return blocker === 0 ? "a prepared transaction" : `pid ${blocker}`;
}

function describe(row: BlockedRow): string {
  if (row.blocker === 0) return "A prepared transaction";
  const { blockerState: state, blockerSeconds: seconds } = row;
  const doing = state === null || seconds === null ? [] : [`${state} for ${spell(seconds)}`];
  return `pid ${row.blocker} (${[row.blockerUser ?? "unknown", ...doing].join(", ")})`;
}

function lastWordOf(row: BlockedRow): string {
  const query = row.blockerQuery === null ? "" : `: ${excerpt(row.blockerQuery)}`;
  return `${describe(row)} is in the way${query}`;
}

function whatToDo(row: BlockedRow): string {
  if (row.blocker === 0) {
    return "No session owns it; whoever prepared it has to commit it or roll it back. The command lists what is prepared";
  }
  return `The command ends pid ${row.blocker} if it is still in the way: its transaction is rolled back, and its program gets an error`;
}

function fixFor({ blocker, pid }: BlockedRow, scene: Scene) {
  if (blocker === 0)
    return psql(scene, "SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared");
  return psql(scene, `SELECT pg_terminate_backend(${blocker}) WHERE ${blocker} = ANY (pg_blocking_pids(${pid}))`);
}
