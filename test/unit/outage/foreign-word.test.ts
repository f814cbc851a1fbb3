import { expect, test } from "bun:test";
import { foreignWord } from "../../../src/outage/foreign-word.ts";

test.each([
  ["reconnecting", "reconnecting"],
  ["DATABASE_UNAVAILABLE", "DATABASE_UNAVAILABLE"],
  ["gestört, 50 %", "gestört, 50 %"],
  ["\u001B[2Jgone\r\nso", "·[2Jgone··so"],
  ["x".repeat(100), "x".repeat(40)],
])("foreignWord(%j) is %j", (text, shown) => {
  expect(foreignWord(text)).toBe(shown);
});
