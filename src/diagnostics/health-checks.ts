import type { Check } from "./check.ts";
import { blockedSessionsCheck } from "./health/blocked-sessions.ts";
import { connectionsCheck } from "./health/connections.ts";
import { deadRowsCheck } from "./health/dead-rows.ts";
import { duplicateIndexesCheck } from "./health/duplicate-indexes.ts";
import { foreignKeysCheck } from "./health/foreign-keys.ts";
import { idleInTransactionCheck } from "./health/idle-in-transaction.ts";
import { invalidIndexesCheck } from "./health/invalid-indexes.ts";
import { longQueryCheck } from "./health/long-query.ts";
import { neverAnalysedCheck } from "./health/never-analysed.ts";
import { poolSizeCheck } from "./health/pool-size.ts";
import { sequencesCheck } from "./health/sequences.ts";
import { unusedIndexesCheck } from "./health/unused-indexes.ts";
import { unvalidatedConstraintsCheck } from "./health/unvalidated-constraints.ts";

/** What may be wrong with a server that can be reached, in the order in which it is asked. */
export const HEALTH_CHECKS: readonly Check[] = [
  connectionsCheck,
  poolSizeCheck,
  blockedSessionsCheck,
  idleInTransactionCheck,
  longQueryCheck,
  sequencesCheck,
  invalidIndexesCheck,
  duplicateIndexesCheck,
  foreignKeysCheck,
  unvalidatedConstraintsCheck,
  deadRowsCheck,
  neverAnalysedCheck,
  unusedIndexesCheck,
];
