import type { Elysia } from "elysia";
import type { Database } from "../database/database.ts";

/** What the function of a routes file receives. */
export interface RouteContext {
  /** A fresh instance to put the routes on. */
  readonly app: Elysia;
  /** The resilient database; a request's deadline is already set. */
  readonly db: Database;
}
