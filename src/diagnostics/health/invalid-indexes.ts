import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified } from "./words.ts";

export interface InvalidIndexRow {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** Somebody builds an index on the table right now, or cleans it up: then this one may be about to become valid. */
  readonly isAtWork: boolean;
}

// The lock that CREATE INDEX CONCURRENTLY holds on the table is seen by every role; its progress is not.
const QUESTION = `select n.nspname as schema, c.relname as name, t.relname as "table",
    exists (select from pg_locks l where l.locktype = 'relation' and l.relation = i.indrelid and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and l.mode = 'ShareUpdateExclusiveLock') as "isAtWork"
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  join pg_namespace n on n.oid = c.relnamespace
  where not i.indisvalid and c.relkind = 'i' and ${IS_USERS_SCHEMA}
  order by n.nspname, c.relname`;

export const invalidIndexesCheck = healthCheck<readonly InvalidIndexRow[]>({
  ...TABLE.invalidIndexes,
  about:
    "Indexes that a failed CREATE or REINDEX INDEX CONCURRENTLY has left: they cost at each write and serve no query.",
  isPrimarys: true,
  look: ({ ask }) => ask<InvalidIndexRow>(QUESTION),
  judge(rows, scene) {
    const left = rows.filter(({ isAtWork }) => !isAtWork);
    const status = grade(left.length, scene.limits);
    const [first] = left;
    if (first === undefined || status === "pass") {
      const evidence =
        rows.length === 0 ? "every index is valid" : `${count(rows.length, "index", "indexes")} being built`;
      return { status: "pass", evidence };
    }
    const name = qualified(first.schema, first.name);
    // What REINDEX CONCURRENTLY leaves beside the index that it should have replaced. Source: its manual page.
    const isLeftover = /_cc(?:new|old)\d*$/.test(first.name);
    const sql = isLeftover ? `DROP INDEX CONCURRENTLY ${name}` : `REINDEX INDEX CONCURRENTLY ${name}`;
    const doing = isLeftover
      ? "drops it; the index beside it stays"
      : "builds it anew while the table stays in use; a unique one needs its duplicate rows removed first";
    return {
      status,
      evidence: listed(left.map((row) => `${qualified(row.schema, row.name)} on ${row.table} is invalid`)),
      cause: `The index ${name} is invalid: no query uses it, and each write pays for it. A CREATE or REINDEX INDEX CONCURRENTLY has failed half-way; if it was to be unique, duplicates get in. The command ${doing}`,
      fix: psql(scene, sql),
      docs: manual("sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"),
    };
  },
});
