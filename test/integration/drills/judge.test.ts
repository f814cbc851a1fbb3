import { describe, expect, test } from "bun:test";
import type { Answer } from "./client.ts";
import { type Breach, breachOf, judgeRepeated } from "./judge.ts";
import { nameOf, planDrill } from "./plan.ts";

const CREATED: Answer = {
  id: "a",
  way: "drill",
  ending: "answered",
  status: 201,
  code: undefined,
  outcome: undefined,
  isReplay: false,
  text: '{"id":"a"}',
  tookMs: 5,
};
const FAILED = { ...CREATED, status: 504, code: "DEADLINE_EXCEEDED", text: "{}" };

describe("what is wrong with a first answer", () => {
  test.each<readonly [Breach | undefined, Answer, number]>([
    [undefined, CREATED, 1],
    [undefined, { ...CREATED, status: 200 }, 1],
    ["lost", CREATED, 0],
    ["doubled", CREATED, 2],
    ["replayed", { ...CREATED, isReplay: true }, 1],
    [undefined, { ...FAILED, outcome: "rolled-back" }, 0],
    ["denied", { ...FAILED, outcome: "rolled-back" }, 1],
    [undefined, { ...FAILED, outcome: "not-executed" }, 0],
    ["denied", { ...FAILED, outcome: "not-executed" }, 1],
    ["doubled", { ...FAILED, outcome: "not-executed" }, 2],
    [undefined, { ...FAILED, outcome: "committed" }, 1],
    ["lost", { ...FAILED, outcome: "committed" }, 0],
    ["unknown", { ...FAILED, outcome: "unknown" }, 0],
    ["unclear", FAILED, 0],
    ["unclear", { ...CREATED, status: 302 }, 1],
    ["unanswered", { ...FAILED, ending: "hung", status: undefined }, 0],
    ["unanswered", { ...FAILED, ending: "dropped", status: undefined }, 1],
  ])("%p: %o with %i rows", (breach, answer, count) => {
    expect(breachOf(answer, new Map([["a", count]]))).toBe(breach);
  });
});

describe("what is wrong with a repeated answer", () => {
  const replay = { ...CREATED, isReplay: true };
  const failed: Answer = { ...FAILED, outcome: "rolled-back" };

  test.each<readonly [string, Answer, Answer, number]>([
    ["nothing", CREATED, replay, 1],
    ["nothing", failed, CREATED, 0],
    ["it failed", CREATED, failed, 1],
    ["it was not replayed", CREATED, CREATED, 1],
    ["it was replayed", failed, replay, 0],
    ["it got another answer", CREATED, { ...replay, text: "{}" }, 1],
  ])("%s: %o, then %o with %i rows before", (told, first, again, before) => {
    const wrong = judgeRepeated(first, again, before);
    expect(wrong).toEqual(told === "nothing" ? [] : [expect.stringContaining(told)]);
  });
});

test("a seed gives the same drill each time, and all seeds together every kind of fault at every step", () => {
  expect(planDrill(7)).toEqual(planDrill(7));
  const faults = Array.from({ length: 1000 }, (_, seed) => planDrill(seed).fault);
  expect(new Set(faults.map(nameOf)).size).toBe(11);
  const strikes = faults.filter((fault) => fault.kind !== "kill");
  expect(faults.length - strikes.length).toBeWithin(70, 130);
  expect(new Set(strikes.map(({ step, hitsReply }) => `${step} ${hitsReply}`)).size).toBe(10);
  expect(strikes.filter(({ step }) => step === "commit").length).toBeGreaterThan(300);
});
