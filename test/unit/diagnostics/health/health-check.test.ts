import { expect, test } from "bun:test";
import type { CheckContext } from "../../../../src/diagnostics/check.ts";
import { healthCheck } from "../../../../src/diagnostics/health/health-check.ts";
import { DebyError } from "../../../../src/errors.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { sceneOf } from "./scene.ts";

interface Server {
  readonly version?: string;
  readonly isStandby?: boolean;
  readonly isLost?: boolean;
  /** What the server refuses the question with. */
  readonly reason?: string;
}

/** The context of a check, with a connection of which only the surface is there. */
function contextOn({ version = "18.1", isStandby = false, isLost = false, reason }: Server): CheckContext {
  const asked: string[] = [];
  const connection = {
    isLost,
    facts: { version, isStandby, address: "db.example.com:5432" },
    control: async (text: string) => {
      asked.push(text);
      if (reason === undefined || text === "rollback") return { rows: [{ value: 7 }] };
      throw new DebyError("STATEMENT_FAILED", "refused", { reason });
    },
  };
  const session = { connection: async () => connection } as unknown as CheckContext["session"];
  const signal = new AbortController().signal;
  return { subject: sceneOf({}).subject, session, clock: new ManualClock(), deadlineAt: 5_000, signal };
}

const check = healthCheck<number>({
  id: "seven",
  title: "Seven",
  worst: "warn",
  limits: { warn: 7 },
  unit: "found",
  about: "Whether it is seven.",
  isPrimarys: true,
  look: async ({ ask }) => (await ask<{ value: number }>("select 7 as value"))[0]?.value ?? 0,
  judge: (value, { limits, at }) => ({
    status: value >= (limits.warn ?? 0) ? "warn" : "pass",
    evidence: `${at.host} ${value}`,
  }),
});

test("a check is judged by its limits", async () => {
  expect(await check.run(contextOn({}))).toEqual({ status: "warn", evidence: "db.example.com 7" });
  expect(await healthCheck({ ...check, limits: { warn: 8 } }).run(contextOn({}))).toMatchObject({ status: "pass" });
});

test.each([
  ["a server older than the views", { version: "12.22" }, "not known for PostgreSQL 12, only from 13 on"],
  [
    "a standby, for what it has only copied",
    { isStandby: true },
    "a standby has what its primary has: that one is to be asked",
  ],
  ["a connection that an earlier check has lost", { isLost: true }, "not tried, since the connection was lost"],
])("%s is skipped", async (_name, server, evidence) => {
  expect(await check.run(contextOn(server))).toEqual({ status: "skip", evidence });
});

test("a view that may not be read is skipped, with the right to grant", async () => {
  const finding = await check.run(contextOn({ reason: "42501" }));
  expect(finding).toMatchObject({ status: "skip", evidence: "refused (42501); GRANT pg_monitor TO app allows it" });
  expect(finding.fix?.[0]?.command).toEndWith('-c "GRANT pg_monitor TO app"');
});

test.each(["57014", "55P03", "42703"])("an answer that did not come is unknown: %s", async (reason) => {
  expect(await check.run(contextOn({ reason }))).toMatchObject({
    status: "unknown",
    evidence: `refused (${reason})`,
    cause: `This could not be found out: refused (${reason})`,
  });
});
