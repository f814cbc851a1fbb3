export type { ConnectionOptions } from "./config/connection-options.ts";
export type { Duration } from "./config/duration.ts";
export type { Percent } from "./config/quantity.ts";
export type { SslMode } from "./config/types.ts";
export { createDatabase, type DatabaseOptions, type OwnDatabase } from "./create-database.ts";
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
export type { DatabaseStats, PoolStats } from "./database/pool-types.ts";
export type { Row, Statement, Transaction, TransactionOptions, Value } from "./database/statement.ts";
export { DebyError, type DebyErrorOptions, type ErrorCode, type Outcome } from "./errors.ts";
export type { LineLog } from "./incidents/line-log.ts";
