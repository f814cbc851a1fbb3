import { describe, expect, test } from "bun:test";
import type { CheckStatus, Subject } from "../../../../src/diagnostics/check.ts";
import { blockedSessionsCheck } from "../../../../src/diagnostics/health/blocked-sessions.ts";
import { connectionsCheck } from "../../../../src/diagnostics/health/connections.ts";
import { deadlocksCheck } from "../../../../src/diagnostics/health/deadlocks.ts";
import type { HealthDefinition } from "../../../../src/diagnostics/health/health-check.ts";
import { idleInTransactionCheck } from "../../../../src/diagnostics/health/idle-in-transaction.ts";
import { longQueryCheck } from "../../../../src/diagnostics/health/long-query.ts";
import { poolSizeCheck } from "../../../../src/diagnostics/health/pool-size.ts";
import { preparedTransactionsCheck } from "../../../../src/diagnostics/health/prepared-transactions.ts";
import { replicaLagCheck } from "../../../../src/diagnostics/health/replica-lag.ts";
import { replicationSlotsCheck } from "../../../../src/diagnostics/health/replication-slots.ts";
import { sequencesCheck } from "../../../../src/diagnostics/health/sequences.ts";
import { wraparoundCheck } from "../../../../src/diagnostics/health/wraparound.ts";
import { sceneOf } from "./scene.ts";

function judge<F>(check: HealthDefinition<F>, facts: F, changes: Partial<Subject> = {}) {
  return check.judge(facts, sceneOf(check, changes));
}

const session = (seconds: number) => ({
  pid: 4711,
  user: "app",
  application: "shop",
  state: "idle in transaction",
  seconds,
  query: "select 1",
  startedAt: "2026-01-01 00:00:00+00",
  isHidden: false,
});

const blocked = (seconds: number) => ({
  pid: 1,
  user: "app",
  query: "select 1",
  seconds,
  blocker: 2,
  blockerUser: "app",
  blockerState: "active",
  blockerSeconds: 90,
  blockerQuery: "lock t",
});

const capacity = (used: number) => ({
  maxConnections: 103,
  reserved: 3,
  used,
  roleLimit: -1,
  roleUsed: used,
  databaseLimit: -1,
  databaseUsed: used,
  holders: [{ user: "app", application: "shop", connections: used }],
});

const sequence = (share: number) => ({
  sequences: [
    {
      oid: 1,
      schema: "public",
      name: "ids",
      type: "integer",
      ceiling: 1_000,
      isReadable: true,
      tableSchema: null,
      table: null,
      column: null,
      columnType: null,
      isIdentity: false,
      lastValue: share * 1_000,
    },
  ],
  locked: 0,
});

const ages = (xidAge: number, multixactAge = 0) => ({
  databases: [{ database: "shop", xidAge, multixactAge }],
  holders: [],
});

const replica = (seconds: number | null, bytes = 0) => ({
  name: "standby",
  isSelf: false,
  seconds,
  bytes,
  isStreaming: true,
  isHidden: false,
});

const slot = (inactiveSeconds: number | null, more = {}) => ({
  name: "s",
  isActive: false,
  isLost: false,
  inactiveSeconds,
  bytes: 1_000,
  ...more,
});

const prepared = (seconds: number) => ({ gid: "g", owner: "app", database: "shop", seconds });

const STATES: readonly (readonly [string, () => { readonly status: CheckStatus }, CheckStatus])[] = [
  ["79 of 100 connections", () => judge(connectionsCheck, capacity(79)), "pass"],
  ["80 of 100 connections", () => judge(connectionsCheck, capacity(80)), "warn"],
  ["95 of 100 connections", () => judge(connectionsCheck, capacity(95)), "fail"],
  ["pools of 22 for 100", () => judge(poolSizeCheck, capacity(0)), "pass"],
  ["four pools of 22 for 100", () => judge(poolSizeCheck, capacity(0), { instances: 4 }), "warn"],
  ["five pools of 22 for 100", () => judge(poolSizeCheck, capacity(0), { instances: 5 }), "fail"],
  ["idle in transaction for 59 s", () => judge(idleInTransactionCheck, [session(59)]), "pass"],
  ["idle in transaction for 60 s", () => judge(idleInTransactionCheck, [session(60)]), "warn"],
  ["idle in transaction for 10 min", () => judge(idleInTransactionCheck, [session(600)]), "fail"],
  ["a query of 59 s", () => judge(longQueryCheck, [session(59)]), "pass"],
  ["a query of 60 s", () => judge(longQueryCheck, [session(60)]), "warn"],
  ["a query of 10 min", () => judge(longQueryCheck, [session(600)]), "fail"],
  ["blocked for 4.9 s", () => judge(blockedSessionsCheck, [blocked(4.9)]), "pass"],
  ["blocked for 5 s", () => judge(blockedSessionsCheck, [blocked(5)]), "warn"],
  ["blocked for 60 s", () => judge(blockedSessionsCheck, [blocked(60)]), "fail"],
  ["an age of 649 M", () => judge(wraparoundCheck, ages(649e6)), "pass"],
  ["an age of 650 M", () => judge(wraparoundCheck, ages(650e6)), "warn"],
  ["an age of 1.5 bn", () => judge(wraparoundCheck, ages(1.5e9)), "fail"],
  ["multixacts of 650 M", () => judge(wraparoundCheck, ages(1, 650e6)), "warn"],
  ["a sequence at 74.9 %", () => judge(sequencesCheck, sequence(0.749)), "pass"],
  ["a sequence at 75 %", () => judge(sequencesCheck, sequence(0.75)), "warn"],
  ["a sequence at 90 %", () => judge(sequencesCheck, sequence(0.9)), "fail"],
  ["a slot inactive for 29 min", () => judge(replicationSlotsCheck, [slot(1_799)]), "pass"],
  ["a slot inactive for 30 min", () => judge(replicationSlotsCheck, [slot(1_800)]), "warn"],
  ["a slot inactive since who knows when", () => judge(replicationSlotsCheck, [slot(null)]), "warn"],
  ["a slot in use", () => judge(replicationSlotsCheck, [slot(null, { isActive: true })]), "pass"],
  ["a lost slot", () => judge(replicationSlotsCheck, [slot(0, { isLost: true })]), "fail"],
  ["a replica 29 s behind", () => judge(replicaLagCheck, [replica(29)]), "pass"],
  ["a replica 30 s behind", () => judge(replicaLagCheck, [replica(30)]), "warn"],
  ["a replica 256 MB behind", () => judge(replicaLagCheck, [replica(0, 2 ** 28)]), "warn"],
  ["prepared for 59 s", () => judge(preparedTransactionsCheck, [prepared(59)]), "pass"],
  ["prepared for 60 s", () => judge(preparedTransactionsCheck, [prepared(60)]), "warn"],
  ["a deadlock in an hour", () => judge(deadlocksCheck, { deadlocks: 1, seconds: 3_600 }), "warn"],
  ["29 deadlocks in 30 days", () => judge(deadlocksCheck, { deadlocks: 29, seconds: 30 * 86_400 }), "pass"],
];

test.each([...STATES])("%s", (_state, find, status) => {
  expect(find().status).toBe(status);
});

describe("wraparound", () => {
  const held = { databases: ages(700e6).databases, holders: [{ what: "the replication slot s", age: 690e6 }] };

  test("names what keeps rows from being frozen, and vacuums the very database", () => {
    const { cause, evidence, fix } = judge(wraparoundCheck, held);
    expect(evidence).toBe("shop is 700 M transactions old, of 2,147 M\nthe replication slot s is 690 M old");
    expect(cause).toContain("What holds it back is the replication slot s, 690 M old: it has to end first");
    expect(fix?.[0]?.command).toEndWith('-d shop -c "VACUUM (VERBOSE)"');
  });

  test("does not blame what has only just begun", () => {
    const { cause } = judge(wraparoundCheck, { ...held, holders: [{ what: "the session with pid 1", age: 100 }] });
    expect(cause).not.toContain("pid 1");
  });
});

describe("blocked sessions", () => {
  test("that block each other in a circle are told all the same", () => {
    const circle = [blocked(10), { ...blocked(9), pid: 2, blocker: 1 }];
    expect(judge(blockedSessionsCheck, circle)).toMatchObject({ status: "warn" });
  });

  test("are told to a role that sees who waits, but not why", () => {
    const hidden = { blockerState: null, blockerSeconds: null, blockerQuery: "<insufficient privilege>" };
    const { cause } = judge(blockedSessionsCheck, [{ ...blocked(90), ...hidden }]);
    expect(cause).toStartWith("pid 2 (app) keeps 1 session waiting, the longest for 90 s.");
  });

  test("that may not be seen before 14 are skipped", () => {
    expect(judge(blockedSessionsCheck, [{ ...blocked(0), seconds: null }])).toMatchObject({ status: "skip" });
  });
});

test("a role's limit of connections counts where it is the least", () => {
  const facts = { ...capacity(10), roleLimit: 20 };
  expect(judge(poolSizeCheck, facts)).toMatchObject({ status: "fail" });
  expect(judge(poolSizeCheck, facts).fix).toEqual([{ os: "any", command: "deby serve --pool-max 13" }]);
});
