import { type AnyElysia, Elysia, t } from "elysia";
import type { Clock } from "../../core/clock.ts";
import type { Database } from "../../database/database.ts";
import type { StateName } from "../../database/events.ts";
import type { DatabaseStats } from "../../database/pool-types.ts";
import type { Histogram } from "../../metrics/histogram.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { AdminGate } from "../auth.ts";
import { jsonAnswer, problemAnswers } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

export interface PoolRouteDeps {
  readonly db: Pick<Database, "state" | "stats" | "server">;
  readonly metrics: Pick<Metrics, "timings">;
  readonly clock: Clock;
  readonly gate: AdminGate;
}

/** Milliseconds, estimated from a histogram; null where nothing happened yet. */
interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface PoolBody {
  readonly state: StateName;
  readonly since: string;
  readonly server: { readonly address: string; readonly version: string } | null;
  readonly pool: DatabaseStats;
  readonly timesMs: { readonly create: Quantiles; readonly wait: Quantiles; readonly use: Quantiles };
}

const quantilesSchema = t.Object({
  p50: t.Union([t.Number(), t.Null()]),
  p95: t.Union([t.Number(), t.Null()]),
  p99: t.Union([t.Number(), t.Null()]),
});

const figures = {
  total: t.Integer(),
  idle: t.Integer(),
  active: t.Integer(),
  opening: t.Integer(),
  waiting: t.Integer({ description: "Requests that wait for a connection" }),
  max: t.Integer(),
  min: t.Integer(),
  generation: t.Integer({ description: "Grows with every outage; older connections are gone" }),
  acquireTimeouts: t.Integer({ description: "Requests that waited for a connection in vain, since the start" }),
  held: t.Integer({ description: "Requests that wait for a database that is not usable" }),
  shed: t.Integer({ description: "Requests sent away without a connection, since the start" }),
  retries: t.Integer({ description: "Statements and transactions run again, since the start" }),
  retryBudget: t.Number({ description: "Repetitions of reads that are allowed at this moment" }),
};

const poolSchema = t.Object({
  state: t.String(),
  since: t.String({ format: "date-time" }),
  server: t.Union([t.Object({ address: t.String(), version: t.String() }), t.Null()], {
    description: "The server that answered the last probe; null before the first",
  }),
  pool: t.Object({
    ...figures,
    standby: t.Optional(
      t.Object(
        {
          ...figures,
          isUsed: t.Boolean({ description: "Whether reads go to it at the moment" }),
          lagMs: t.Optional(t.Integer({ description: "How old its data is at most; absent where that is not known" })),
          fallbacks: t.Integer({
            description: "Reads that failed on it and were read from the primary, since the start",
          }),
        },
        { description: "The connections to the standby, where reads may go to one" },
      ),
    ),
  }),
  timesMs: t.Object(
    { create: quantilesSchema, wait: quantilesSchema, use: quantilesSchema },
    {
      description:
        "Opening, waiting for and holding a connection: milliseconds since the start, estimated; null for none",
    },
  ),
});

/** `GET /api/pool`, for admins: the pool's figures, from memory. */
export function poolRoutes(deps: PoolRouteDeps): AnyElysia {
  return new Elysia().get(
    "/api/pool",
    () => Response.json(poolOf(deps), { headers: { "cache-control": "no-store" } }),
    {
      beforeHandle: deps.gate.require("admin"),
      ...operation("admin", "The pool's connections, who waits for them, and how long it takes", {
        200: jsonAnswer("The figures at this moment", poolSchema),
        ...problemAnswers("UNAUTHORIZED", "NOT_FOUND"),
      }),
    },
  );
}

function poolOf({ db, metrics, clock }: PoolRouteDeps): PoolBody {
  const { name, since } = db.state();
  const server = db.server();
  const { create, wait, use } = metrics.timings;
  return {
    state: name,
    since: new Date(clock.date().getTime() - Math.max(0, clock.now() - since)).toISOString(),
    server: server === undefined ? null : { address: server.address, version: server.version },
    pool: db.stats(),
    timesMs: { create: quantilesOf(create), wait: quantilesOf(wait), use: quantilesOf(use) },
  };
}

function quantilesOf(histogram: Histogram): Quantiles {
  const of = (part: number) => {
    const ms = histogram.quantileMs(part);
    return ms === undefined ? null : Math.round(ms * 100) / 100;
  };
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) };
}
