export type { Database, DeadlineOptions } from "./database/database.ts";
export type {
  CircuitState,
  DatabaseEvents,
  OutcomeResolved,
  Reason,
  Recovery,
  ServerFacts,
  StateName,
} from "./database/events.ts";
export type { KeyStatus, OnceOptions } from "./database/outcome.ts";
export type { Stored } from "./database/outcome-json.ts";
export type { PoolStats } from "./database/pool-types.ts";
export type { Row, Statement, Transaction, TransactionOptions, Value } from "./database/statement.ts";
export { DebyError, type DebyErrorOptions, type ErrorCode, type Outcome } from "./errors.ts";
export type { Idempotent, IdempotentOptions } from "./http/idempotent.ts";
export type { RouteContext } from "./http/route-context.ts";
