import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified } from "./words.ts";

export interface NeverAnalysedRow {
  readonly schema: string;
  readonly table: string;
  /** Rows that were written since the counters began. */
  readonly written: number;
}

// As many as autovacuum itself takes for worth the while with its own defaults, so that a small or young table counts
// for nothing. Without the counters' memory, as after a crash, an analysed table is not taken for one that never was.
const QUESTION = `select n.nspname as schema, c.relname as "table", s.n_mod_since_analyze::float8 as written
  from pg_stat_all_tables s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
  where s.last_analyze is null and s.last_autoanalyze is null and s.n_live_tup > 0 and ${IS_USERS_SCHEMA}
    and s.n_mod_since_analyze > current_setting('autovacuum_analyze_threshold')::float8
      + current_setting('autovacuum_analyze_scale_factor')::float8 * s.n_live_tup
  order by written desc, schema, "table"`;

export const neverAnalysedCheck = healthCheck<readonly NeverAnalysedRow[]>({
  ...TABLE.neverAnalysed,
  about: "Tables in use of which the planner knows nothing but the size.",
  isPrimarys: true,
  look: ({ ask }) => ask<NeverAnalysedRow>(QUESTION),
  judge(rows, scene) {
    const [first] = rows;
    const status = grade(rows.length, scene.limits);
    if (first === undefined || status === "pass")
      return { status: "pass", evidence: "every table in use was analysed" };
    const facts = rows.map(({ schema, table, written }) => {
      return `${qualified(schema, table)} was never analysed, ${count(written, "row")} written`;
    });
    const table = qualified(first.schema, first.table);
    return {
      status,
      evidence: listed(facts),
      cause: `${count(rows.length, "table was", "tables were")} never analysed, the most written being ${table}. The planner guesses what is in it, and may choose plans that are many times slower. The command takes a sample, and nobody waits for it`,
      fix: psql(scene, `ANALYZE ${table}`),
      docs: manual("sql-analyze.html"),
    };
  },
});
