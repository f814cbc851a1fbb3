import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified } from "./words.ts";

export interface ForeignKeyRow {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** The table referred to. */
  readonly to: string;
  readonly isPartitioned: boolean;
}

// An index helps when it begins with the key's columns, in whatever order, and holds all rows.
const QUESTION = `select n.nspname as schema, t.relname as "table", k.conname as name, r.relname as "to",
    t.relkind = 'p' as "isPartitioned",
    (select json_agg(a.attname order by u.position) from unnest(k.conkey) with ordinality u(attnum, position)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) as columns
  from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_namespace n on n.oid = t.relnamespace
  join pg_class r on r.oid = k.confrelid
  where k.contype = 'f' and k.conparentid = 0 and ${IS_USERS_SCHEMA}
    and not exists (select from pg_index i
      where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null and i.indnkeyatts >= cardinality(k.conkey)
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
  order by t.relpages desc, n.nspname, t.relname, k.conname`;

export const foreignKeysCheck = healthCheck<readonly ForeignKeyRow[]>({
  ...TABLE.foreignKeys,
  about: "Foreign keys whose columns no index begins with: each delete of a referenced row reads the whole table.",
  isPrimarys: true,
  look: ({ ask }) => ask<ForeignKeyRow>(QUESTION),
  judge(rows, scene) {
    const [first] = rows;
    const status = grade(rows.length, scene.limits);
    if (first === undefined || status === "pass") return { status: "pass", evidence: "every foreign key has an index" };
    const facts = rows.map((row) => {
      return `${qualified(row.schema, row.table)} (${row.columns.join(", ")}) refers to ${row.to} without an index`;
    });
    const columns = first.columns.map((column) => qualified(column)).join(", ");
    const table = qualified(first.schema, first.table);
    const concurrently = first.isPartitioned ? "" : " CONCURRENTLY";
    return {
      status,
      evidence: listed(facts),
      cause: `${count(rows.length, "foreign key has", "foreign keys have")} no index, the largest on ${table} (${columns}). Each delete or change of a key in ${first.to} reads that whole table, and holds its locks meanwhile. The command builds the index${first.isPartitioned ? "; writes wait for it" : " while the table stays in use"}`,
      fix: psql(scene, `CREATE INDEX${concurrently} ON ${table} (${columns})`),
      docs: manual("ddl-constraints.html#DDL-CONSTRAINTS-FK"),
    };
  },
});
