import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, listed, manual, qualified, spellBytes } from "./words.ts";

export interface UnusedIndexRow {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** As of the last VACUUM or ANALYZE: measuring the file would wait for whoever has locked it. */
  readonly bytes: number;
}

const QUESTION = `select n.nspname as schema, c.relname as name, t.relname as "table",
    c.relpages::float8 * current_setting('block_size')::int as bytes
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'i' and i.indisvalid and not i.indisunique and not i.indisreplident and ${IS_USERS_SCHEMA}
    and pg_stat_get_numscans(c.oid) = 0
    and not exists (select from pg_constraint k where k.conrelid = i.indrelid and k.conindid = i.indexrelid)
  order by bytes desc, schema, name`;

export const unusedIndexesCheck = healthCheck<readonly UnusedIndexRow[]>({
  ...TABLE.unusedIndexes,
  about: "Indexes that no query has used on this server; a standby may use them.",
  look: ({ ask }) => ask<UnusedIndexRow>(QUESTION),
  judge(rows) {
    if (rows.length === 0) return { status: "pass", evidence: "every index has been used" };
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    const total = `${count(rows.length, "index", "indexes")} never used on this server since its counters began (${spellBytes(bytes)})`;
    const facts = rows.map((row) => `${qualified(row.schema, row.name)} on ${row.table} (${spellBytes(row.bytes)})`);
    return {
      status: "pass",
      evidence: listed([total, ...facts]),
      docs: manual("monitoring-stats.html"),
    };
  },
});
