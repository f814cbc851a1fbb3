import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { grade, listed, manual, psql, spell, spellBytes, sqlString } from "./words.ts";

export interface SlotRow {
  readonly name: string;
  readonly isActive: boolean;
  readonly isLost: boolean;
  /** Since when nobody has used it; null before 17, where the server does not say. */
  readonly inactiveSeconds: number | null;
  /** WAL that is kept for it. */
  readonly bytes: number | null;
}

/** Slots that a standby copies from its primary are idle by nature; `synced` and `inactive_since` are new in 17. */
function question(version: number): string {
  const since = version >= 17 ? "extract(epoch from now() - inactive_since)::float8" : "null::float8";
  return `select slot_name as name, active as "isActive", wal_status is not distinct from 'lost' as "isLost",
      ${since} as "inactiveSeconds",
      pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
        restart_lsn)::float8 as bytes
    from pg_replication_slots
    where not temporary ${version >= 17 ? "and not synced" : ""}
    order by slot_name`;
}

export const replicationSlotsCheck = healthCheck<readonly SlotRow[]>({
  ...TABLE.replicationSlots,
  about:
    "Slots whose reader is away, for which the server keeps WAL until the disk is full. One that is lost fails at once; before 17 the server does not say since when one is inactive, and it is told at once.",
  look: ({ ask, version }) => ask<SlotRow>(question(version)),
  judge(slots, scene) {
    const lost = slots.filter(({ isLost }) => isLost);
    const idle = slots.filter((slot) => {
      // Where it is not known how long, it is told at once.
      return !slot.isLost && !slot.isActive && grade(slot.inactiveSeconds ?? Number.MAX_VALUE, scene.limits) !== "pass";
    });
    const [worst] = [...lost, ...idle.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))];
    if (worst === undefined) {
      const evidence = slots.length === 0 ? "there are no slots" : `${slots.map(({ name }) => name).join(", ")} in use`;
      return { status: "pass", evidence };
    }
    const drop = `SELECT pg_drop_replication_slot(${sqlString(worst.name)})`;
    const look =
      "SELECT slot_name, plugin, database, xmin, restart_lsn, wal_status, safe_wal_size FROM pg_replication_slots";
    return {
      status: worst.isLost ? "fail" : "warn",
      evidence: listed([...lost, ...idle].map(describe)),
      cause: worst.isLost
        ? `The replication slot ${worst.name} is lost. The WAL that its reader needs has been removed: the reader cannot go on and has to be made anew. The command drops the slot, which nobody can use any more`
        : `Nobody reads the replication slot ${worst.name}${agoOf(worst)}. The server keeps all WAL for it, now ${spellBytes(worst.bytes ?? 0)}, until the disk is full: bring its reader back. The command shows the slots, and changes nothing; where the reader is gone for good, ${drop} lets go of the WAL`,
      fix: psql(scene, worst.isLost ? drop : look),
      docs: manual("warm-standby.html#STREAMING-REPLICATION-SLOTS"),
    };
  },
});

function describe(slot: SlotRow): string {
  if (slot.isLost) return `${slot.name} is lost`;
  return `${slot.name} is inactive${agoOf(slot)}, and keeps ${spellBytes(slot.bytes ?? 0)} of WAL`;
}

function agoOf({ inactiveSeconds }: SlotRow): string {
  return inactiveSeconds === null ? "" : ` for ${spell(inactiveSeconds)}`;
}
