import type { Check } from "./check.ts";
import { archiverCheck } from "./health/archiver.ts";
import { blockedSessionsCheck } from "./health/blocked-sessions.ts";
import { cacheHitsCheck } from "./health/cache-hits.ts";
import { checksumsCheck } from "./health/checksums.ts";
import { connectionsCheck } from "./health/connections.ts";
import { crashSafetyCheck } from "./health/crash-safety.ts";
import { deadRowsCheck } from "./health/dead-rows.ts";
import { deadlocksCheck } from "./health/deadlocks.ts";
import { duplicateIndexesCheck } from "./health/duplicate-indexes.ts";
import { encryptionCheck } from "./health/encryption.ts";
import { extensionsCheck } from "./health/extensions.ts";
import { foreignKeysCheck } from "./health/foreign-keys.ts";
import { idleInTransactionCheck } from "./health/idle-in-transaction.ts";
import { invalidIndexesCheck } from "./health/invalid-indexes.ts";
import { longQueryCheck } from "./health/long-query.ts";
import { md5PasswordsCheck } from "./health/md5-passwords.ts";
import { monitorRoleCheck } from "./health/monitor-role.ts";
import { neverAnalysedCheck } from "./health/never-analysed.ts";
import { poolSizeCheck } from "./health/pool-size.ts";
import { preparedTransactionsCheck } from "./health/prepared-transactions.ts";
import { replicaLagCheck } from "./health/replica-lag.ts";
import { replicationSlotsCheck } from "./health/replication-slots.ts";
import { sequencesCheck } from "./health/sequences.ts";
import { superuserCheck } from "./health/superuser.ts";
import { synchronousCommitCheck } from "./health/synchronous-commit.ts";
import { timeoutsCheck } from "./health/timeouts.ts";
import { unusedIndexesCheck } from "./health/unused-indexes.ts";
import { unvalidatedConstraintsCheck } from "./health/unvalidated-constraints.ts";
import { wraparoundCheck } from "./health/wraparound.ts";

/** What may be wrong with a server that can be reached: what harms at once first, for information last. */
export const HEALTH_CHECKS: readonly Check[] = [
  checksumsCheck,
  blockedSessionsCheck,
  connectionsCheck,
  wraparoundCheck,
  sequencesCheck,
  idleInTransactionCheck,
  longQueryCheck,
  preparedTransactionsCheck,
  replicationSlotsCheck,
  archiverCheck,
  replicaLagCheck,
  poolSizeCheck,
  invalidIndexesCheck,
  crashSafetyCheck,
  synchronousCommitCheck,
  timeoutsCheck,
  deadlocksCheck,
  deadRowsCheck,
  neverAnalysedCheck,
  foreignKeysCheck,
  duplicateIndexesCheck,
  unvalidatedConstraintsCheck,
  extensionsCheck,
  encryptionCheck,
  superuserCheck,
  md5PasswordsCheck,
  monitorRoleCheck,
  unusedIndexesCheck,
  cacheHitsCheck,
];
