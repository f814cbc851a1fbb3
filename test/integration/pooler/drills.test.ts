import { describe, expect, test } from "bun:test";
import { pgBouncerAvailable } from "../../support/pgbouncer.ts";
import { runDrills } from "../drills/run-drills.ts";

const LIMIT_MS = 120_000;

describe.skipIf(!pgBouncerAvailable)("through PgBouncer in transaction mode", () => {
  test(
    "20 writers through 10 faults at any byte of their transactions: each write happens once, and its answer is true",
    async () => {
      expect(await runDrills({ seed: 1, count: 10, lanes: 1, isPooled: true, log: console.log })).toEqual([]);
    },
    LIMIT_MS,
  );
});
