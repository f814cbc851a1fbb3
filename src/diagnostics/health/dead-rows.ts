import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified } from "./words.ts";

export interface DeadRowsRow {
  readonly schema: string;
  readonly table: string;
  readonly dead: number;
  /** From so many on autovacuum comes. */
  readonly trigger: number;
  readonly isAutovacuumOn: boolean;
  /** Null when it never was. */
  readonly vacuumedAt: string | null;
}

/** A table's own setting, or the server's. */
function option(name: string): string {
  return `coalesce((select option_value from pg_options_to_table(c.reloptions) where option_name = '${name}'),
    current_setting('${name}', true))`;
}

// Source: PostgreSQL's manual, the autovacuum daemon; the upper bound is new in 18, and below 0 there is none.
const QUESTION = `select * from (
    select n.nspname as schema, c.relname as "table", s.n_dead_tup::float8 as dead,
      least(${option("autovacuum_vacuum_threshold")}::float8
          + ${option("autovacuum_vacuum_scale_factor")}::float8 * greatest(c.reltuples, 0),
        nullif(greatest(${option("autovacuum_vacuum_max_threshold")}::float8, -1), -1)) as trigger,
      current_setting('autovacuum')::bool and current_setting('track_counts')::bool
        and ${option("autovacuum_enabled")} is distinct from 'false' as "isAutovacuumOn",
      to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI') as "vacuumedAt"
    from pg_stat_all_tables s join pg_class c on c.oid = s.relid join pg_namespace n on n.oid = c.relnamespace
    where s.n_dead_tup > 0 and ${IS_USERS_SCHEMA}
  ) t where dead > trigger order by dead desc, schema, "table"`;

export const deadRowsCheck = healthCheck<readonly DeadRowsRow[]>({
  ...TABLE.deadRows,
  about: "Tables with more dead rows than autovacuum should leave, by the trigger that holds for each.",
  isPrimarys: true,
  look: ({ ask }) => ask<DeadRowsRow>(QUESTION),
  judge(rows, scene) {
    const [first] = rows;
    const status = grade(rows.length, scene.limits);
    if (first === undefined || status === "pass") {
      return { status: "pass", evidence: "no table has more dead rows than autovacuum leaves" };
    }
    const facts = rows.map(({ schema, table, dead, trigger, vacuumedAt }) => {
      const since = vacuumedAt === null ? "never vacuumed" : `last vacuumed ${vacuumedAt}`;
      return `${qualified(schema, table)} has ${number(dead)} dead rows, autovacuum comes at ${number(trigger)}, ${since}`;
    });
    const why = first.isAutovacuumOn
      ? "Autovacuum does not keep up, or an old transaction, a replication slot or a prepared transaction keeps the rows from being removed"
      : "Autovacuum is switched off for it";
    const table = qualified(first.schema, first.table);
    return {
      status,
      evidence: listed(facts),
      cause: `${count(rows.length, "table has", "tables have")} more dead rows than autovacuum should leave, most of them ${table}. ${why}; queries get slower and the files grow. The command cleans that table up while it stays in use`,
      fix: psql(scene, `VACUUM (ANALYZE, VERBOSE) ${table}`),
      docs: manual("routine-vacuuming.html#AUTOVACUUM"),
    };
  },
});

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
