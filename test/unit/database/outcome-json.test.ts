import { describe, expect, test } from "bun:test";
import { decodeResult, encodeResult, type Stored } from "../../../src/database/outcome-json.ts";

describe("a stored result", () => {
  test("is what JSON makes of it, and the type says so", () => {
    const value = { at: new Date(0), big: 2n ** 64n, nothing: null, list: [[1, "2"], []], missing: undefined };
    const stored: Stored<typeof value> = decodeResult(encodeResult(value));
    const at: string = stored.at;
    const big: string = stored.big;
    expect([at, big]).toEqual(["1970-01-01T00:00:00.000Z", "18446744073709551616"]);
    expect<object>(stored).toEqual({ at, big, nothing: null, list: [[1, "2"], []] });
  });

  test("keeps null and undefined apart", () => {
    expect(encodeResult(undefined)).toBeUndefined();
    expect(encodeResult(null)).toBe("null");
    const decoded: unknown[] = [decodeResult(undefined), decodeResult(null), decodeResult("null")];
    expect(decoded).toEqual([undefined, undefined, null]);
  });

  const circular: unknown[] = [];
  circular.push(circular);
  test.each<[string, unknown]>([
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a circle", circular],
    ["more than a megabyte", "é".repeat(512 * 1024)],
  ])("is refused for %s", (_, value) => {
    expect(() => encodeResult(value)).toThrow(expect.objectContaining({ code: "STATEMENT_FAILED" }));
  });
});
