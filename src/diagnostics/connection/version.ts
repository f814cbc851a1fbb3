import type { Check, Finding } from "../check.ts";
import { eachConnection } from "./each-host.ts";

/** The last day of each major version. Source: https://www.postgresql.org/support/versioning/ */
const LAST_DAYS: ReadonlyMap<number, string> = new Map([
  [10, "2022-11-10"],
  [11, "2023-11-09"],
  [12, "2024-11-21"],
  [13, "2025-11-13"],
  [14, "2026-11-12"],
  [15, "2027-11-11"],
  [16, "2028-11-09"],
  [17, "2029-11-08"],
  [18, "2030-11-14"],
]);
const POLICY = "https://www.postgresql.org/support/versioning/";

/** Whether the server's version still gets fixes. */
export const versionCheck: Check = {
  id: "version",
  title: "Server version",
  group: "connection",
  about: "Whether the server's major version still gets fixes: each one does for five years.",
  needs: ["query"],
  run: (context) =>
    eachConnection(context, async ({ facts }) => judgeVersion(facts.version, context.clock.date().getTime())),
};

/** `version` as the server tells it, `now` in milliseconds since 1970. */
export function judgeVersion(version: string, now: number): Finding {
  const major = Number.parseInt(version, 10);
  const lastDay = LAST_DAYS.get(major);
  if (lastDay === undefined && major > 10) return { status: "pass", evidence: `${version}, newer than deby knows` };
  if (lastDay !== undefined && now < Date.parse(lastDay) + 86_400_000) {
    return { status: "pass", evidence: `${version}, gets fixes until ${lastDay}` };
  }
  const since = lastDay === undefined ? "for many years" : `since ${lastDay}`;
  const cause = `PostgreSQL ${major} is past its end of life. It has got no fixes ${since}, not even for security: plan an upgrade`;
  return { status: "warn", evidence: `${version}, no fixes ${since}`, cause, docs: POLICY };
}
