import type { CheckResult } from "../../../src/diagnostics/check.ts";
import type { CheckReport } from "../../../src/diagnostics/report-model.ts";
import { type DebyResult, runDeby } from "../../support/executable.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";

export type Environment = Readonly<Record<string, string>>;

/** How one run of `deby check` is called. */
export interface Call {
  readonly env?: Environment;
  readonly flags?: readonly string[];
  readonly cwd?: string;
}

export async function checkJson({ flags = [], ...options }: Call): Promise<DebyResult & { report: CheckReport }> {
  const result = await runDeby(["check", "--json", ...flags], options);
  return { ...result, report: JSON.parse(result.stdout) as CheckReport };
}

export function checkText({ flags = [], ...options }: Call): Promise<DebyResult> {
  return runDeby(["check", ...flags], options);
}

export function resultOf(report: CheckReport, id: string): CheckResult {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`There is no check ${id}`);
  return found;
}

/** The variables that lead to a server. */
export function environmentOf(server: PostgresServer, changes: Environment = {}): Environment {
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGDATABASE: server.database,
    PGUSER: server.user,
    PGPASSWORD: server.password,
    ...changes,
  };
}
