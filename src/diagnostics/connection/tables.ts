import { codeOf, describeReason, reasonOf } from "../../database/sqlstate.ts";
import { ask } from "../ask.ts";
import type { Check } from "../check.ts";
import type { TableFact } from "../report-model.ts";

/** Which tables there are. */
export const tablesCheck: Check = {
  id: "tables",
  title: "Tables",
  group: "connection",
  about: "Which tables there are, how many rows they have by the statistics, and how large they are.",
  needs: ["query"],
  async run(context) {
    const { session, subject } = context;
    const connection = await session.connection(context);
    try {
      // Measuring a table waits for whoever has locked it; then the names have to do.
      session.tables = await ask<TableFact>(connection, tablesQuery("pg_total_relation_size(c.oid)"), context).catch(
        (error: unknown) => {
          if (!["55P03", "57014"].includes(codeOf(error))) throw error;
          return ask<TableFact>(connection, tablesQuery("null"), context);
        },
      );
    } catch (error) {
      const reason = describeReason(reasonOf(error));
      return { status: "unknown", evidence: reason, cause: `The tables could not be listed. ${reason}` };
    }
    const count = session.tables.length;
    return { status: "pass", evidence: `${count} ${count === 1 ? "table" : "tables"} in ${subject.target.database}` };
  },
};

/** Ordinary and partitioned tables of users. */
function tablesQuery(size: string): string {
  return `select n.nspname as schema, c.relname as name,
      case when c.reltuples < 0 or c.relpages = 0 and c.reltuples = 0 then null else c.reltuples::float8 end as "estimatedRows",
      ${size}::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    order by n.nspname, c.relname`;
}
