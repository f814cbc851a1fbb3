import { type AnyElysia, Elysia, t } from "elysia";
import { DebyError } from "../../errors.ts";
import type { CanaryTable } from "../canary-table.ts";
import { REPLAYED_HEADER, readKey } from "../idempotency-key.ts";
import { KEY_HEADERS } from "../idempotent.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

const params = t.Object({ id: t.String({ format: "uuid", error: "Expected a UUID" }) });
const rowSchema = t.Object({ id: t.String({ format: "uuid" }), createdAt: t.String({ format: "date-time" }) });

/** `PUT` and `GET /api/canary/:id`: a synthetic write, exactly once, and its read, to measure with. */
export function canaryRoutes(canary: CanaryTable): AnyElysia {
  return new Elysia()
    .put(
      "/api/canary/:id",
      async ({ params: { id }, request }) => {
        const { row, isNew, isReplay } = await canary.put(id, readKey(request.headers));
        return answer(row, isNew ? 201 : 200, isReplay);
      },
      {
        params,
        headers: KEY_HEADERS,
        parse: "none",
        ...operation(
          "canary",
          "Writes a canary row, exactly once: its key is the id, unless the header names another",
          {
            200: jsonAnswer("It was there already", rowSchema),
            201: jsonAnswer("It was written now", rowSchema),
            ...problemAnswers(
              "MALFORMED_REQUEST",
              "VALIDATION_FAILED",
              "KEY_REUSED",
              "KEY_IN_PROGRESS",
              "DATABASE_UNAVAILABLE",
              "POOL_EXHAUSTED",
              "READ_ONLY",
              "OUTCOME_UNKNOWN",
            ),
          },
        ),
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

function answer(body: unknown, status: number, isReplay = false): Response {
  const headers = { "cache-control": "no-store", ...(isReplay ? { [REPLAYED_HEADER]: "true" } : {}) };
  return Response.json(body, { status, headers });
}
