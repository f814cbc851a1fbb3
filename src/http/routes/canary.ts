import { type AnyElysia, Elysia, t } from "elysia";
import type { Database } from "../../database/database.ts";
import { DebyError } from "../../errors.ts";
import { CanaryTable } from "../canary-table.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

const params = t.Object({ id: t.String({ format: "uuid", error: "Expected a UUID" }) });
const rowSchema = t.Object({ id: t.String({ format: "uuid" }), createdAt: t.String({ format: "date-time" }) });

/** `PUT` and `GET /api/canary/:id`: a synthetic write and its read, to measure with. */
export function canaryRoutes(db: Database): AnyElysia {
  const canary = new CanaryTable(db);
  return new Elysia()
    .put(
      "/api/canary/:id",
      async ({ params: { id } }) => {
        const { row, isNew } = await canary.put(id);
        return answer(row, isNew ? 201 : 200);
      },
      {
        params,
        parse: "none",
        ...operation("canary", "Writes a canary row", {
          200: jsonAnswer("It was there already", rowSchema),
          201: jsonAnswer("It was written now", rowSchema),
          ...problemAnswers(
            "VALIDATION_FAILED",
            "DATABASE_UNAVAILABLE",
            "POOL_EXHAUSTED",
            "READ_ONLY",
            "OUTCOME_UNKNOWN",
          ),
        }),
      },
    )
    .get(
      "/api/canary/:id",
      async ({ params: { id } }) => {
        const row = await canary.get(id);
        if (row === undefined) throw new DebyError("NOT_FOUND", `There is no canary ${id}`);
        return answer(row, 200);
      },
      {
        params,
        ...operation("canary", "Reads a canary row", {
          200: jsonAnswer("It is there", rowSchema),
          ...problemAnswers("NOT_FOUND", "VALIDATION_FAILED", "DATABASE_UNAVAILABLE", "POOL_EXHAUSTED"),
        }),
      },
    );
}

function answer(body: unknown, status: number): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
