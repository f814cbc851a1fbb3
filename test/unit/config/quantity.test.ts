import { expect, test } from "bun:test";
import { formatByteSize, formatPercent, parseByteSize, parsePercent } from "../../../src/config/quantity.ts";

test.each([
  ["1mb", 1_048_576],
  ["64KB", 65_536],
  ["512b", 512],
  ["1gb", 1_073_741_824],
])("parseByteSize() reads %p as %p bytes", (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each(["1048576", "1.5mb", "-1kb", "mb", "1tb", ""])("parseByteSize() knows no size %p", (text) => {
  expect(parseByteSize(text)).toBeUndefined();
});

test.each([
  ["2%", 0.02],
  ["2 %", 0.02],
  ["0.5%", 0.005],
  ["100%", 1],
])("parsePercent() reads %p as %p", (text, part) => {
  expect(parsePercent(text)).toBe(part);
});

test.each(["2", "0.02", "%", "-1%", "2  %"])("parsePercent() knows no percentage %p", (text) => {
  expect(parsePercent(text)).toBeUndefined();
});

test("sizes and percentages are written back as they were read", () => {
  expect(formatByteSize(1_048_576)).toBe("1mb");
  expect(formatByteSize(1_500)).toBe("1500b");
  expect(formatPercent(0.07)).toBe("7%");
});
