import { expect, test } from "bun:test";
import { evaluateSlos, overrideSlos, parseSlo, type SloFigures } from "../../../src/outage/slo.ts";

const FIGURES: SloFigures = {
  ttd: 12,
  dbReady: 400,
  ttr: 1_999,
  appLag: null,
  steady: 2_000,
  lost: 0,
  duplicate: 1,
  unknown: 2,
  hung: null,
  failed: 0,
};

const cases: readonly [string, boolean][] = [
  ["ttr<2s", true],
  ["steady<2s", false],
  ["steady<=2s", true],
  ["steady>=2000ms", true],
  ["ttd > 10ms", true],
  ["lost==0", true],
  ["duplicate==0", false],
  ["unknown<=2", true],
  ["appLag<1h", false],
  ["hung==0", false],
];

test.each(cases)("%s is kept: %p", (expression, kept) => {
  const [result] = evaluateSlos([parseSlo(expression)], FIGURES);
  expect(result).toMatchObject({ expression, kept });
});

test("evaluateSlos() tells the value that was compared", () => {
  expect(evaluateSlos([parseSlo("ttr<2s"), parseSlo("appLag<2s")], FIGURES).map(({ value }) => value)).toEqual([
    1_999,
    null,
  ]);
});

const refused: readonly [string, string][] = [
  ["", "Not an objective"],
  ["ttr=2s", "Not an objective"],
  ["ttr<", "Not an objective"],
  ["speed<2s", "No such figure"],
  ["toString<2s", "No such figure"],
  ["ttr<2", "needs a duration"],
  ["ttr<fast", "needs a duration"],
  ["lost==0s", "needs a whole number"],
  ["lost==-1", "needs a whole number"],
];

test.each(refused)("parseSlo() refuses %p", (expression, message) => {
  expect(() => parseSlo(expression)).toThrow(expect.objectContaining({ code: "USAGE" }));
  expect(() => parseSlo(expression)).toThrow(message);
});

test("overrideSlos() puts what is wanted of a figure in place of what others want of it, and adds the rest", () => {
  const others = ["ttd<3s", "unknown==0", "lost==0"].map(parseSlo);
  const wanted = ["unknown<=3", "ttr<2s", "ttr>0ms"].map(parseSlo);
  expect(overrideSlos(others, wanted).map(({ expression }) => expression)).toEqual([
    "ttd<3s",
    "lost==0",
    "unknown<=3",
    "ttr<2s",
    "ttr>0ms",
  ]);
});
