import { type AnyElysia, Elysia, t } from "elysia";
import type { Clock } from "../../core/clock.ts";
import type { Database } from "../../database/database.ts";
import type { CircuitState, Reason, StateName } from "../../database/events.ts";
import { jsonAnswer } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

export interface HealthDeps {
  readonly db: Pick<Database, "state" | "latencyMs">;
  readonly clock: Clock;
  readonly version: string;
  /** On the clock's scale. */
  readonly startedAt: number;
}

type HealthStatus = "ok" | "warn" | "error";
type DatabaseWord = "connected" | "read-only" | "connecting" | "reconnecting" | "disconnected";

interface Verdict {
  readonly status: HealthStatus;
  readonly database: DatabaseWord;
}

/** The first four names and their order are those of the system that deby replaces: monitors read them. */
export interface HealthBody extends Verdict {
  readonly dbType: "PostgreSQL";
  readonly timestamp: string;
  readonly state: StateName;
  readonly since: string;
  readonly latencyMs: number | null;
  readonly uptimeSeconds: number;
  readonly version: string;
  readonly reason?: Reason;
  readonly attempt?: number;
  readonly nextAttemptInMs?: number;
}

const healthSchema = t.Object({
  status: t.String({ enum: ["ok", "warn", "error"] }),
  database: t.String({ enum: ["connected", "read-only", "connecting", "reconnecting", "disconnected"] }),
  dbType: t.String({ enum: ["PostgreSQL"] }),
  timestamp: t.String({ format: "date-time" }),
  state: t.String({
    enum: ["starting", "up", "suspect", "reconnecting", "down", "read-only", "blocked", "draining", "closed"],
  }),
  since: t.String({ format: "date-time" }),
  latencyMs: t.Union([t.Number(), t.Null()]),
  uptimeSeconds: t.Number(),
  version: t.String(),
  reason: t.Optional(t.Object({ code: t.String(), message: t.String() })),
  attempt: t.Optional(t.Integer()),
  nextAttemptInMs: t.Optional(t.Integer()),
});

/** `GET /api/health`: from memory, never a query. */
export function healthRoutes(deps: HealthDeps): AnyElysia {
  return new Elysia().get(
    "/api/health",
    () => {
      const body = healthOf(deps);
      const status = body.status === "error" ? 503 : 200;
      return Response.json(body, { status, headers: { "cache-control": "no-store" } });
    },
    operation("health", "How the server and its database fare, from memory", {
      200: jsonAnswer("The database answers", healthSchema),
      503: jsonAnswer("The database does not answer, or the server shuts down", healthSchema),
    }),
  );
}

/** The body of `GET /api/health` at this moment. */
function healthOf({ db, clock, version, startedAt }: HealthDeps): HealthBody {
  const state = db.state();
  const latencyMs = db.latencyMs();
  const now = clock.now();
  const date = clock.date();
  return {
    ...verdictOf(state),
    dbType: "PostgreSQL",
    timestamp: date.toISOString(),
    state: state.name,
    since: new Date(date.getTime() - Math.max(0, now - state.since)).toISOString(),
    latencyMs: latencyMs === undefined ? null : Math.round(latencyMs * 100) / 100,
    uptimeSeconds: Math.floor((now - startedAt) / 1000),
    version,
    ...("reason" in state && state.reason !== undefined ? { reason: state.reason } : {}),
    ...("attempt" in state ? attemptOf(state, now) : {}),
  };
}

function attemptOf(state: Extract<CircuitState, { attempt: number }>, now: number) {
  return { attempt: state.attempt, nextAttemptInMs: Math.max(0, Math.round(state.nextAttemptAt - now)) };
}

function verdictOf(state: CircuitState): Verdict {
  switch (state.name) {
    case "up":
      return { status: state.reason === undefined ? "ok" : "warn", database: "connected" };
    case "suspect":
      return { status: "warn", database: "connected" };
    case "read-only":
      return { status: "warn", database: "read-only" };
    case "starting":
      return { status: "error", database: "connecting" };
    case "reconnecting":
      return { status: "error", database: "reconnecting" };
    case "down":
    case "blocked":
    case "closed":
      return { status: "error", database: "disconnected" };
    case "draining":
      return { status: "error", database: lastWord(state.last) };
    default:
      return state satisfies never;
  }
}

/** While the server drains it still says how the database was when that began. */
function lastWord(last: StateName): DatabaseWord {
  switch (last) {
    case "up":
    case "suspect":
      return "connected";
    case "read-only":
      return "read-only";
    case "starting":
      return "connecting";
    case "reconnecting":
      return "reconnecting";
    case "down":
    case "blocked":
    case "draining":
    case "closed":
      return "disconnected";
    default:
      return last satisfies never;
  }
}
