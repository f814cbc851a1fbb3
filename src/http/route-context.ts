import type { Elysia } from "elysia";
import type { Database } from "../database/database.ts";
import type { Idempotent } from "./idempotent.ts";

/** What the function of a routes file receives. */
export interface RouteContext {
  /** A fresh instance to put the routes on. */
  readonly app: Elysia;
  /** The resilient database; a request's deadline is already set. */
  readonly db: Database;
  /** Makes a handler whose writes happen once for each `Idempotency-Key`. */
  readonly idempotent: Idempotent;
}
