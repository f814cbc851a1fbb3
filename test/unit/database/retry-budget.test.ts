import { describe, expect, test } from "bun:test";
import { RetryBudget } from "../../../src/database/retry-budget.ts";
import { ManualClock } from "../../support/manual-clock.ts";

describe("the retry budget", () => {
  const spend = (budget: RetryBudget) => {
    let count = 0;
    while (budget.tryWithdraw()) count += 1;
    return count;
  };

  test("begins full and ends", () => {
    expect(spend(new RetryBudget(new ManualClock(), 200))).toBe(200);
  });

  test("grows by a tenth of the reads and by ten a second, up to its capacity", async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(clock, 50);
    spend(budget);
    for (let read = 0; read < 100; read += 1) budget.deposit();
    expect(spend(budget)).toBe(10);
    await clock.advance(2000);
    expect(spend(budget)).toBe(20);
    await clock.advance(60_000);
    expect(spend(budget)).toBe(50);
  });
});
