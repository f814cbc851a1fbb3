import { expect, test } from "bun:test";
import { Histogram } from "../../../src/metrics/histogram.ts";
import { renderText } from "../../../src/metrics/text-format.ts";

test("renderText() writes help, type and every series, with histograms in seconds", () => {
  const histogram = new Histogram([0.5, 1000]);
  for (const durationMs of [0.25, 20, 3000]) histogram.observe(durationMs);
  const text = renderText([
    { name: "held", type: "gauge", help: "Held.", samples: [{ value: 3 }] },
    { name: "lost_total", type: "counter", help: "Lost.", samples: [{ labels: { why: "a", how: "b" }, value: 0 }] },
    { name: "took_seconds", type: "histogram", help: "Took.", samples: [{ labels: { what: "x" }, histogram }] },
  ]);
  expect(text).toBe(`# HELP held Held.
# TYPE held gauge
held 3
# HELP lost_total Lost.
# TYPE lost_total counter
lost_total{why="a",how="b"} 0
# HELP took_seconds Took.
# TYPE took_seconds histogram
took_seconds_bucket{what="x",le="0.0005"} 1
took_seconds_bucket{what="x",le="1"} 2
took_seconds_bucket{what="x",le="+Inf"} 3
took_seconds_sum{what="x"} 3.02025
took_seconds_count{what="x"} 3
`);
});

test("renderText() escapes what would end a line or a value", () => {
  const labels = { version: 'a"b\\c\nd' };
  const text = renderText([
    { name: "info", type: "gauge", help: 'One\\two\n"three"', samples: [{ labels, value: 1 }] },
  ]);
  expect(text).toBe('# HELP info One\\\\two\\n"three"\n# TYPE info gauge\ninfo{version="a\\"b\\\\c\\nd"} 1\n');
});

test("renderText() writes what is not finite as Prometheus reads it", () => {
  const samples = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map((value) => ({ value }));
  const text = renderText([{ name: "odd", type: "gauge", help: "Odd.", samples }]);
  expect(text.split("\n").slice(2, 5)).toEqual(["odd +Inf", "odd -Inf", "odd NaN"]);
});
