import { expect, test } from "bun:test";
import { runDrills } from "./run-drills.ts";

const LIMIT_MS = 240_000;

test(
  "20 writers through 50 faults at any byte of their transactions: each write happens once, and its answer is true",
  async () => {
    expect(await runDrills({ seed: 1, count: 50, lanes: 3, log: console.log })).toEqual([]);
  },
  LIMIT_MS,
);
