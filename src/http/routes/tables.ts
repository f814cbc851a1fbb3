import { type AnyElysia, Elysia, t } from "elysia";
import type { Database } from "../../database/database.ts";
import type { AdminGate } from "../auth.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

interface TableRow {
  readonly schema: string;
  readonly name: string;
  /** Null where the table was never analysed. */
  readonly estimatedRows: number | null;
  /** With indexes and TOAST. */
  readonly bytes: number | null;
}

const tablesSchema = t.Object({
  tables: t.Array(
    t.Object({
      schema: t.String(),
      name: t.String(),
      estimatedRows: t.Union([t.Number(), t.Null()], { description: "Null where the table was never analysed" }),
      bytes: t.Union([t.Number(), t.Null()], { description: "With indexes and TOAST" }),
    }),
  ),
});

/** `GET /api/tables`, for admins: the tables of the user's schemas, by name. */
export function tableRoutes({ db, gate }: { readonly db: Database; readonly gate: AdminGate }): AnyElysia {
  return new Elysia().get(
    "/api/tables",
    async () => Response.json({ tables: await readTables(db) }, { headers: { "cache-control": "no-store" } }),
    {
      beforeHandle: gate.require("admin"),
      ...operation("admin", "The tables, their estimated rows and sizes", {
        200: jsonAnswer("Every table outside the system's schemas", tablesSchema),
        ...problemAnswers("UNAUTHORIZED", "NOT_FOUND", "DATABASE_UNAVAILABLE", "POOL_EXHAUSTED", "STATEMENT_TIMEOUT"),
      }),
    },
  );
}

function readTables(db: Database): Promise<TableRow[]> {
  // float8, because bigint would come as text; no table is too large for it.
  return db.read<TableRow>`
    select n.nspname::text as "schema", c.relname::text as "name",
      nullif(c.reltuples, -1)::float8 as "estimatedRows", pg_total_relation_size(c.oid)::float8 as "bytes"
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    order by 1, 2`;
}
