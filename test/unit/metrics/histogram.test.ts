import { describe, expect, test } from "bun:test";
import { Histogram } from "../../../src/metrics/histogram.ts";

function histogramOf(boundsMs: readonly number[], ...durationsMs: number[]): Histogram {
  const histogram = new Histogram(boundsMs);
  for (const durationMs of durationsMs) histogram.observe(durationMs);
  return histogram;
}

describe("Histogram", () => {
  test("counts what is at most as long as each bound, and all of it last", () => {
    const histogram = histogramOf([1, 10, 100], 0, 1, 1.001, 10, 100, 100.5, 5000);
    expect(histogram.cumulativeCounts()).toEqual([2, 4, 5, 7]);
    expect(histogram.count).toBe(7);
    expect(histogram.sumMs).toBeCloseTo(5212.501, 6);
  });

  test("begins with 0 everywhere", () => {
    const histogram = new Histogram([1, 10]);
    expect(histogram.cumulativeCounts()).toEqual([0, 0, 0]);
    expect([histogram.count, histogram.sumMs]).toEqual([0, 0]);
  });

  test("has OpenTelemetry's bounds for operations among its own", () => {
    const advised = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000];
    expect(new Histogram().boundsMs).toEqual(expect.arrayContaining(advised));
    expect(new Histogram().boundsMs).toEqual([...new Histogram().boundsMs].sort((a, b) => a - b));
  });
});

describe("quantileMs()", () => {
  test("knows nothing before something was observed", () => {
    expect(new Histogram().quantileMs(0.5)).toBeUndefined();
  });

  test("spreads a bucket's durations evenly", () => {
    const histogram = histogramOf([10, 20], 1, 2, 3, 4, 12, 14, 16, 18);
    expect(histogram.quantileMs(0.25)).toBe(5);
    expect(histogram.quantileMs(0.5)).toBe(10);
    expect(histogram.quantileMs(0.75)).toBe(15);
    expect(histogram.quantileMs(1)).toBe(20);
  });

  test("passes over empty buckets", () => {
    expect(histogramOf([1, 2, 3, 4], 3.5).quantileMs(0.5)).toBe(3.5);
    expect(histogramOf([1, 2, 3, 4], 0.5, 3.5).quantileMs(0.99)).toBeCloseTo(3.98, 6);
  });

  test("is the highest bound for what lies above it", () => {
    expect(histogramOf([1, 10], 50, 60).quantileMs(0.5)).toBe(10);
  });
});
