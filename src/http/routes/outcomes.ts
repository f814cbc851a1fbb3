import { type AnyElysia, Elysia, t } from "elysia";
import type { Database } from "../../database/database.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

const params = t.Object({ key: t.String({ minLength: 1, maxLength: 255, error: "Expected 1 to 255 characters" }) });
const bodySchema = t.Object({
  key: t.String(),
  outcome: t.String({
    enum: ["committed", "not-committed", "in-progress", "unknown"],
    description:
      "not-committed: no write with this key has happened within key-retention; final once the request's deadline has " +
      "passed, until then send it again with the same key; unknown: the database could not be asked",
  }),
});

/** `GET /api/outcomes/:key`: whether the write with this key has happened; never its result. */
export function outcomeRoutes(db: Pick<Database, "outcome">): AnyElysia {
  return new Elysia().get(
    "/api/outcomes/:key",
    async ({ params: { key } }) =>
      Response.json({ key, outcome: await db.outcome(key) }, { headers: { "cache-control": "no-store" } }),
    {
      params,
      ...operation("writes", "What became of the write with this key", {
        200: jsonAnswer("As far as the database knows", bodySchema),
        ...problemAnswers("VALIDATION_FAILED"),
      }),
    },
  );
}
