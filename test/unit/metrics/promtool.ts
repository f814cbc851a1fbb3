import { isCi } from "../../support/ci.ts";

/** With CI=true it is never skipped: a missing promtool is a failure then. */
export const hasPromtool = isCi || Bun.which("promtool") !== null;

/** The name is OpenTelemetry's, whatever Prometheus's linter thinks of it. */
const ACCEPTED = 'db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix';

/**
 * What `promtool check metrics` has against the text, apart from the one name that is not ours to choose.
 * @throws Error where the text cannot be parsed
 */
export function promtoolFindings(text: string): string[] {
  if (Bun.which("promtool") === null)
    throw new Error("There is no promtool: it is part of Debian's package prometheus");
  const { exitCode, stdout, stderr } = Bun.spawnSync(["promtool", "check", "metrics"], { stdin: Buffer.from(text) });
  const findings = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  // 3 is for findings, 1 for a text that is none.
  if (exitCode !== 0 && exitCode !== 3) throw new Error(`promtool ends with ${exitCode}: ${findings.join("; ")}`);
  if (!findings.includes(ACCEPTED)) throw new Error(`promtool has not looked at it: ${findings.join("; ")}`);
  return findings.filter((line) => line !== ACCEPTED);
}
