import { type AnyElysia, Elysia, t } from "elysia";
import type { Clock } from "../../core/clock.ts";
import type { Database } from "../../database/database.ts";
import type { CircuitState } from "../../database/events.ts";
import { jsonAnswer } from "../openapi-schemas.ts";
import { operation } from "../operation.ts";

export interface ProbeDeps {
  readonly db: Pick<Database, "state">;
  readonly clock: Clock;
  /** Whether configuration and routes are loaded and the listener is open. */
  readonly isStarted: () => boolean;
}

/** A loss shorter than this is a slow request to a client, not a reason to send it elsewhere. */
const READY_WITHOUT_DATABASE_MS = 5_000;

const probeSchema = t.Object({ status: t.String({ enum: ["ok", "error"] }), state: t.Optional(t.String()) });

/** `GET /livez`, `/startupz`, `/readyz`, for Kubernetes and its like. Only the last depends on the database. */
export function probeRoutes({ db, clock, isStarted }: ProbeDeps): AnyElysia {
  return new Elysia()
    .get(
      "/livez",
      () => probeAnswer(true),
      operation("health", "Whether the process answers", { 200: jsonAnswer("It does", probeSchema) }),
    )
    .get(
      "/startupz",
      () => probeAnswer(isStarted()),
      operation("health", "Whether the server has started", {
        200: jsonAnswer("Configuration and routes are loaded, the listener is open", probeSchema),
        503: jsonAnswer("Not yet", probeSchema),
      }),
    )
    .get(
      "/readyz",
      () => {
        const state = db.state();
        return probeAnswer(isReady(state, clock.now()), state.name);
      },
      operation("health", "Whether requests should be sent here", {
        200: jsonAnswer("They are served, or held for a moment", probeSchema),
        503: jsonAnswer("They would fail", probeSchema),
      }),
    );
}

/** Requests can be served, or are held during a loss that is still short. */
export function isReady(state: CircuitState, now: number): boolean {
  switch (state.name) {
    case "up":
    case "suspect":
    case "read-only":
      return true;
    case "reconnecting":
      return now - state.lostAt < READY_WITHOUT_DATABASE_MS;
    case "starting":
    case "down":
    case "blocked":
    case "draining":
    case "closed":
      return false;
    default:
      return state satisfies never;
  }
}

function probeAnswer(isOk: boolean, state?: string): Response {
  const body = { status: isOk ? "ok" : "error", ...(state === undefined ? {} : { state }) };
  return Response.json(body, { status: isOk ? 200 : 503, headers: { "cache-control": "no-store" } });
}
