import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified, spellBytes } from "./words.ts";

/** An index that has the same definition as another one of its table. */
export interface DuplicateRow {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly bytes: number;
  readonly isPartitioned: boolean;
  /** The one that does all that this one does. */
  readonly twin: string;
}

// Of those alike the first stays: a constraint's, the replica identity, a unique one, the oldest. One that is unique
// is not replaced by one that is not. The positions in parsed expressions tell where they stood in the statement.
// NULLS NOT DISTINCT is new in 15.
function question(version: number): string {
  return `with keyed as (
    select i.indexrelid, i.indrelid, c.relname, c.relkind, n.nspname, c.relpages, i.indisunique,
      exists (select from pg_constraint k where k.conrelid = i.indrelid and k.conindid = i.indexrelid
        and k.contype in ('p', 'u', 'x')) as owned,
      i.indisreplident or i.indisclustered as marked,
      concat_ws('/', c.relam, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
        regexp_replace(i.indexprs::text, ':location -?[0-9]+', '', 'g'), '/',
        regexp_replace(i.indpred::text, ':location -?[0-9]+', '', 'g')) as key,
      ${version >= 15 ? "i.indnullsnotdistinct" : "false"} as nulls
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where i.indisvalid and not i.indisexclusion and not c.relispartition and ${IS_USERS_SCHEMA}
  ), ranked as (
    select *, first_value(relname) over same as twin, first_value(indexrelid) over same as kept,
      first_value(indisunique) over same as twin_unique, first_value(nulls) over same as twin_nulls
    from keyed
    window same as (partition by indrelid, key order by owned desc, marked desc, indisunique desc, indexrelid)
  )
  select r.nspname as schema, r.relname as name, t.relname as "table", r.twin,
    r.relpages::float8 * current_setting('block_size')::int as bytes, r.relkind = 'I' as "isPartitioned"
  from ranked r join pg_class t on t.oid = r.indrelid
  where r.indexrelid <> r.kept and not r.owned and not r.marked
    and (not r.indisunique or r.twin_unique and r.nulls = r.twin_nulls)
  order by bytes desc, schema, name`;
}

export const duplicateIndexesCheck = healthCheck<readonly DuplicateRow[]>({
  ...TABLE.duplicateIndexes,
  about: "Indexes that another one makes superfluous: they cost at each write and gain nothing.",
  isPrimarys: true,
  look: ({ ask, version }) => ask<DuplicateRow>(question(version)),
  judge(rows, scene) {
    const [first] = rows;
    const status = grade(rows.length, scene.limits);
    if (first === undefined || status === "pass") return { status: "pass", evidence: "no index is there twice" };
    const facts = rows.map((row) => {
      return `${qualified(row.schema, row.name)} on ${row.table} is the same as ${row.twin} (${spellBytes(row.bytes)})`;
    });
    const concurrently = first.isPartitioned ? "" : " CONCURRENTLY";
    return {
      status,
      evidence: listed(facts),
      cause: `${count(rows.length, "index is", "indexes are")} there twice, as ${qualified(first.schema, first.name)} beside ${first.twin}. Each write pays for both, and queries need one. The command drops the one that no constraint needs`,
      fix: psql(scene, `DROP INDEX${concurrently} ${qualified(first.schema, first.name)}`),
      docs: manual("sql-dropindex.html"),
    };
  },
});
