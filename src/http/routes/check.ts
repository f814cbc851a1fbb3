import { type AnyElysia, Elysia, t } from "elysia";
import type { AdminGate } from "../auth.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

/** Examines the server's own database and gives the report; of who asks at the same time, all get the same one. */
export type Diagnose = () => Promise<object>;

const nullable = (schema: ReturnType<typeof t.String>) => t.Union([schema, t.Null()]);

const reportSchema = t.Object({
  schema: t.Literal("deby.check/1"),
  target: t.Object({ address: t.String(), database: t.String(), user: t.String() }, { additionalProperties: true }),
  summary: t.Object({
    pass: t.Integer(),
    warn: t.Integer(),
    fail: t.Integer(),
    skip: t.Integer(),
    unknown: t.Integer(),
  }),
  tables: t.Array(t.Object({}, { additionalProperties: true })),
  checks: t.Array(
    t.Object({
      id: t.String(),
      title: t.String(),
      status: t.String({ enum: ["pass", "warn", "fail", "skip", "unknown"] }),
      evidence: t.String(),
      cause: nullable(t.String()),
      fix: t.Array(t.Object({ os: t.String(), command: t.String() })),
      docs: nullable(t.String()),
      ms: t.Number(),
    }),
  ),
});

/** `GET /api/check`, for admins: what `deby check --json` would print about this server's database. */
export function checkRoutes({ diagnose, gate }: { readonly diagnose: Diagnose; readonly gate: AdminGate }): AnyElysia {
  return new Elysia().get(
    "/api/check",
    async () => Response.json(await diagnose(), { headers: { "cache-control": "no-store" } }),
    {
      beforeHandle: gate.require("admin"),
      ...operation("admin", "Connection and health of the database, checked now over connections of their own", {
        200: jsonAnswer("The report of deby check, whatever it found", reportSchema),
        ...problemAnswers("UNAUTHORIZED", "NOT_FOUND", "SHUTTING_DOWN", "DEADLINE_EXCEEDED"),
      }),
    },
  );
}
