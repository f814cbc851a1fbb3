import { expect, test } from "bun:test";
import { formatDuration, parseDuration, parseDurationList } from "../../../src/config/duration.ts";

test.each([
  ["250ms", 250],
  ["10s", 10_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["1.5s", 1_500],
  ["1.1s", 1_100],
  ["0ms", 0],
  [" 2s ", 2_000],
])("parseDuration() reads %p as %p ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["10", "", "s", "-1s", "1d", "1 s", "1e3ms", "0.5ms", "1s2s", "Infinitys"])(
  "parseDuration() knows no duration %p",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("parseDurationList() reads a list and refuses it whole when one item is none", () => {
  expect(parseDurationList("2s, 4s,500ms")).toEqual([2000, 4000, 500]);
  expect(parseDurationList("2s,4")).toBeUndefined();
  expect(parseDurationList("2s,")).toBeUndefined();
});

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [1_500, "1500ms"],
  [10_000, "10s"],
  [90_000, "90s"],
  [300_000, "5m"],
  [7_200_000, "2h"],
])("formatDuration() writes %p ms as %p", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
