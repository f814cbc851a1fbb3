import { expect, test } from "bun:test";
import { NameAnswers } from "../../../src/database/name-answers.ts";

const MINUTE_MS = 60_000;

test("a name that leads elsewhere has moved", () => {
  const answers = new NameAnswers();
  expect(answers.isChanging(["a"], 0)).toBe(false);
  expect(answers.isChanging(["a"], MINUTE_MS)).toBe(false);
  expect(answers.isChanging(["b"], 2 * MINUTE_MS)).toBe(false);
  expect(answers.isChanging(["b"], 3 * MINUTE_MS)).toBe(false);
});

test("and may move back, if not at once", () => {
  const answers = new NameAnswers();
  answers.isChanging(["a"], 0);
  answers.isChanging(["b"], MINUTE_MS);
  expect(answers.isChanging(["a"], 7 * MINUTE_MS)).toBe(false);
});

test("addresses that come and go mean nothing, until that has stopped for a while", () => {
  const answers = new NameAnswers();
  const given = [["a"], ["b"], ["a"], ["c", "a"], ["b"]];
  expect(given.map((answer, index) => answers.isChanging(answer, index * 30_000))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
  expect(answers.isChanging(["b"], 20 * MINUTE_MS)).toBe(false);
});
