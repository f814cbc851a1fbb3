import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, qualified } from "./words.ts";

export interface ConstraintRow {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
}

/** From 18 on a constraint may be declared as never enforced, which is no oversight. */
function question(version: number): string {
  return `select n.nspname as schema, t.relname as "table", k.conname as name
    from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_namespace n on n.oid = t.relnamespace
    where not k.convalidated and k.conparentid = 0 and ${IS_USERS_SCHEMA} ${version >= 18 ? "and k.conenforced" : ""}
    order by n.nspname, t.relname, k.conname`;
}

export const unvalidatedConstraintsCheck = healthCheck<readonly ConstraintRow[]>({
  ...TABLE.unvalidatedConstraints,
  about: "Constraints that were added as NOT VALID and never validated.",
  isPrimarys: true,
  look: ({ ask, version }) => ask<ConstraintRow>(question(version)),
  judge(rows, scene) {
    const [first] = rows;
    const status = grade(rows.length, scene.limits);
    if (first === undefined || status === "pass") return { status: "pass", evidence: "every constraint is validated" };
    const table = qualified(first.schema, first.table);
    return {
      status,
      evidence: listed(rows.map((row) => `${row.name} on ${qualified(row.schema, row.table)} is not validated`)),
      cause: `${count(rows.length, "constraint was", "constraints were")} never validated, such as ${first.name} on ${table}. Older rows may break it, and the planner does not rely on it. The command reads the table through while it stays in use`,
      fix: psql(scene, `ALTER TABLE ${table} VALIDATE CONSTRAINT ${qualified(first.name)}`),
      docs: manual("sql-altertable.html"),
    };
  },
});
