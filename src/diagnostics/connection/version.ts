import type { Check } from "../check.ts";
import { remedyFor } from "../remedies.ts";
import { eachConnection } from "./each-host.ts";

const DAY_MS = 86_400_000;

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

/** Whether the server's version still gets fixes. */
export const versionCheck: Check = {
  id: "version",
  title: "Server version",
  group: "connection",
  about: "Whether the server's major version still gets fixes: each one does for five years.",
  needs: ["query"],
  run: (context) =>
    eachConnection(context, async ({ facts }) => {
      const { evidence, unfixed } = judgeVersion(facts.version, context.clock.date().getTime());
      if (unfixed === undefined) return { status: "pass", evidence };
      const trouble = { code: "END_OF_LIFE", message: evidence, detail: unfixed };
      return { status: "warn", evidence, ...remedyFor(trouble, context.subject) };
    }),
};

/**
 * What becomes of a version, `now` in milliseconds since 1970. `unfixed` tells since when it has got no fixes; undefined
 * where it still gets them.
 */
export function judgeVersion(version: string, now: number): { readonly evidence: string; readonly unfixed?: string } {
  const major = Number.parseInt(version, 10);
  const lastDay = LAST_DAYS.get(major);
  if (lastDay === undefined && major > 10) return { evidence: `${version}, newer than deby knows` };
  if (lastDay !== undefined && now < Date.parse(lastDay) + DAY_MS) {
    return { evidence: `${version}, gets fixes until ${lastDay}` };
  }
  const since = lastDay === undefined ? "for many years" : `since ${lastDay}`;
  return { evidence: `${version}, no fixes ${since}`, unfixed: `${major} has got no fixes ${since}` };
}
