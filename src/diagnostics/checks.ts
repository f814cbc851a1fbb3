import type { Check } from "./check.ts";
import { authCheck } from "./connection/auth.ts";
import { configCheck } from "./connection/config.ts";
import { databaseCheck } from "./connection/database.ts";
import { dnsCheck } from "./connection/dns.ts";
import { poolerCheck } from "./connection/pooler.ts";
import { protocolCheck } from "./connection/protocol.ts";
import { queryCheck } from "./connection/query.ts";
import { roleCheck } from "./connection/role.ts";
import { tablesCheck } from "./connection/tables.ts";
import { tcpCheck } from "./connection/tcp.ts";
import { tlsCheck } from "./connection/tls.ts";
import { versionCheck } from "./connection/version.ts";
import { HEALTH_CHECKS } from "./health-checks.ts";

/** Every check, in the order in which they run. */
export const CHECKS: readonly Check[] = [
  configCheck,
  dnsCheck,
  tcpCheck,
  protocolCheck,
  tlsCheck,
  authCheck,
  databaseCheck,
  queryCheck,
  versionCheck,
  roleCheck,
  poolerCheck,
  tablesCheck,
  ...HEALTH_CHECKS,
];
