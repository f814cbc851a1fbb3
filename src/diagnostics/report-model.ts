import type { SettingSource } from "../config/database-target.ts";
import type { HostPort } from "../config/types.ts";
import { addressLabel } from "../database/dial.ts";
import type { CheckResult, CheckStatus, Subject } from "./check.ts";

/** A user's table. */
export interface TableFact {
  readonly schema: string;
  readonly name: string;
  /** By the statistics; null before the table was first analysed. */
  readonly estimatedRows: number | null;
  /** Table, indexes and TOAST; null where somebody's lock on a table kept it from being measured. */
  readonly bytes: number | null;
}

export interface ReportTarget {
  /** host:port or a socket's path, several separated by commas. */
  readonly address: string;
  readonly hosts: readonly HostPort[];
  readonly database: string;
  readonly user: string;
  readonly settings: readonly SettingSource[];
}

/** What `deby check --json` prints. Fields are only ever added. */
export interface CheckReport {
  readonly schema: "deby.check/1";
  readonly target: ReportTarget;
  readonly summary: Readonly<Record<CheckStatus, number>>;
  readonly tables: readonly TableFact[];
  readonly checks: readonly CheckResult[];
}

/** What is examined, as it is reported. */
export function describeTarget({ target, settings }: Pick<Subject, "target" | "settings">): ReportTarget {
  const { hosts, database, user } = target;
  return { address: hosts.map(addressLabel).join(","), hosts, database, user, settings };
}

export function makeReport(
  subject: Pick<Subject, "target" | "settings">,
  checks: readonly CheckResult[],
  tables: readonly TableFact[],
): CheckReport {
  const summary = { pass: 0, warn: 0, fail: 0, skip: 0, unknown: 0 };
  for (const { status } of checks) summary[status] += 1;
  return { schema: "deby.check/1", target: describeTarget(subject), summary, tables, checks };
}

/** The least severe status that counts as a failure of the whole. */
export type FailOn = "warn" | "fail";

/** 0 nothing at or above `failOn` · 1 something is · 3 something is unknown, which is never a pass. */
export function exitCodeOf({ summary }: Pick<CheckReport, "summary">, failOn: FailOn = "fail"): 0 | 1 | 3 {
  if (summary.fail > 0 || (failOn === "warn" && summary.warn > 0)) return 1;
  return summary.unknown > 0 ? 3 : 0;
}
