import { type AnyElysia, Elysia, t } from "elysia";
import type { Metrics } from "../../metrics/metrics.ts";
import { TEXT_FORMAT_TYPE } from "../../metrics/text-format.ts";
import type { AdminGate } from "../auth.ts";
import { problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

export interface MetricsRouteDeps {
  readonly metrics: Pick<Metrics, "render">;
  readonly gate: AdminGate;
}

/** `GET /metrics`, for Prometheus: from memory, never a query, whatever the database does. */
export function metricsRoutes({ metrics, gate }: MetricsRouteDeps): AnyElysia {
  return new Elysia().get(
    "/metrics",
    () => {
      const headers = { "content-type": TEXT_FORMAT_TYPE, "cache-control": "no-store" };
      return new Response(metrics.render(), { headers });
    },
    {
      beforeHandle: gate.require("metrics"),
      ...operation("admin", "Pool, operations, outages and process, as Prometheus reads them", {
        200: { description: "Prometheus's text format", content: { "text/plain": { schema: t.String() } } },
        ...problemAnswers("UNAUTHORIZED", "NOT_FOUND"),
      }),
    },
  );
}
