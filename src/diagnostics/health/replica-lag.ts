import { healthCheck } from "./health-check.ts";
import { type Limits, TABLE } from "./table.ts";
import { count, grade, listed, manual, mayNotRead, psql, spell, spellBytes } from "./words.ts";

/** A standby as its primary sees it, or the asked server itself where that is a standby. */
export interface ReplicaRow {
  readonly name: string;
  readonly isSelf: boolean;
  /** How old its data is; null where that is not known. */
  readonly seconds: number | null;
  readonly bytes: number | null;
  readonly isStreaming: boolean;
  readonly isHidden: boolean;
}

const REPLICAS = `select coalesce(nullif(application_name, ''), 'pid ' || pid) as name, false as "isSelf",
    case when state is null then null else coalesce(extract(epoch from replay_lag), 0) end::float8 as seconds,
    pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
      replay_lsn)::float8 as bytes,
    state is not distinct from 'streaming' as "isStreaming", state is null as "isHidden"
  from pg_stat_replication where state is distinct from 'backup' order by seconds desc nulls last`;

// A standby that has replayed all that it received is not behind, however long its primary has written nothing.
const SELF = `select 'this standby' as name, true as "isSelf",
    case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then 0
      else extract(epoch from now() - pg_last_xact_replay_timestamp()) end::float8 as seconds,
    pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 as bytes,
    exists (select from pg_stat_wal_receiver) as "isStreaming", false as "isHidden"`;

export const replicaLagCheck = healthCheck<readonly ReplicaRow[]>({
  ...TABLE.replicaLag,
  about:
    "Standbys that are behind, in time or by 256 MB of WAL: a failover would lose what they have not got, and reads from them are old.",
  async look({ ask, isStandby }) {
    const own = isStandby ? await ask<ReplicaRow>(SELF) : [];
    return [...own, ...(await ask<ReplicaRow>(REPLICAS))];
  },
  judge(replicas, scene) {
    const late = replicas.filter((replica) => isBehind(replica, scene.limits));
    const [worst] = late.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
    if (worst === undefined) {
      const hidden = replicas.filter(({ isHidden }) => isHidden).length;
      if (hidden > 0) return mayNotRead(`how far ${count(hidden, "standby", "standbys")} are behind is hidden`, scene);
      const evidence = replicas.length === 0 ? "there is no standby" : listed(replicas.map(describe));
      return { status: "pass", evidence };
    }
    const name = worst.isSelf ? "This standby" : `The standby ${worst.name}`;
    const question = worst.isSelf
      ? "SELECT pid, state, xact_start, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start"
      : "SELECT application_name, client_addr, state, sync_state, write_lag, flush_lag, replay_lag FROM pg_stat_replication";
    const why = worst.isStreaming
      ? "Its disk or the network is too slow, or a long query on it holds up the replay"
      : "It does not stream from its primary: the network, its role's rights or a WAL segment that is gone stands in the way";
    return {
      status: "warn",
      evidence: listed(late.map(describe)),
      cause: `${name} is ${distanceOf(worst)} behind. ${why}. What is read from it is that old, and a failover to it would lose as much. The command shows more, and changes nothing`,
      fix: psql(scene, question),
      docs: manual("warm-standby.html#STREAMING-REPLICATION"),
    };
  },
});

/** A primary measures the time at the standby's progress: of one that stands still only the bytes grow. */
function isBehind({ seconds, bytes }: ReplicaRow, limits: Limits): boolean {
  return grade(seconds ?? 0, limits) !== "pass" || (bytes ?? 0) >= (limits.warnBytes ?? Number.POSITIVE_INFINITY);
}

function distanceOf({ seconds, bytes }: ReplicaRow): string {
  const size = `${spellBytes(Math.max(0, bytes ?? 0))} of WAL`;
  return seconds === null || seconds === 0 ? size : `${spell(seconds)} and ${size}`;
}

function describe(row: ReplicaRow): string {
  return `${row.name} is ${distanceOf(row)} behind${row.isStreaming ? "" : ", and does not stream"}`;
}
