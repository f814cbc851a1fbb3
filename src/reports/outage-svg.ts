import type { Chart, ChartBin, DrawnClass } from "../outage/chart.ts";
import type { Span, StateSpan, Timeline } from "../outage/timeline.ts";
import { escapeMarkup } from "./markup.ts";
import { CLASS_WORDS, formatLatency } from "./outage-words.ts";

const WIDTH = 960;
const LEFT = 76;
const PLOT_WIDTH = WIDTH - LEFT - 16;
/** The first of the three lines of words above the plot. */
const MARKS_TOP = 12;
const REQUESTS = { top: 66, height: 140 };
const LATENCY = { top: 236, height: 130 };
const CIRCUIT = { top: 386, height: 24 };
const PHASES = { top: 418, height: 24 };
const AXIS_TOP = 450;
const HEIGHT = 476;
/** A letter's width, generously: a name that does not fit into its stretch is not written there. */
const LETTER_WIDTH = 7;

/**
 * The run as a picture: requests by class, latency, the circuit's states and the phases over one axis of time, with the
 * moments of fault, healing and return. Classes differ by pattern and not by colour alone; the patterns are
 * `CHART_DEFS`, the colours come from the page.
 */
export function drawChart(chart: Chart, timeline: Timeline, title: string): string {
  const x = (ms: number): number =>
    LEFT + (Math.min(Math.max(ms, 0), chart.durationMs) / chart.durationMs) * PLOT_WIDTH;
  return [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(title)}">`,
    ...drawAxis(chart, x),
    ...drawRequests(chart, x),
    ...drawLatency(chart, x),
    ...drawLane("circuit", CIRCUIT, timeline.states, { x, className: classOfState }),
    ...drawLane("phase", PHASES, timeline.phases, { x, className: () => "phase" }),
    ...drawMarks(chart, x),
    text([LEFT, REQUESTS.top - 6], `requests per ${chart.binMs} ms, by when each was meant to start`, "title"),
    text([LEFT, LATENCY.top - 6], "latency: median (thick), slowest (dashed); logarithmic", "title"),
    "</svg>",
  ].join("\n");
}

/** The fill patterns, once for all charts of a page. */
export const CHART_DEFS = `<svg width="0" height="0" class="defs" aria-hidden="true"><defs>
${pattern("held", '<path d="M-1 1l2-2M0 6l6-6M5 7l2-2" stroke-width="2"/>')}
${pattern("cut", '<path d="M3 0v6" stroke-width="1"/>')}
${pattern("failedFast", '<path d="M0 0h6v6h-6z" class="fill"/>')}
${pattern("timedOut", '<path d="M0 3h6M3 0v6" stroke-width="2"/>')}
${pattern("hung", '<path d="M0 0h6v6h-6z" class="fill"/><circle cx="3" cy="3" r="1.6" class="dot"/>')}
${pattern("trouble", '<path d="M-1 1l2-2M0 6l6-6M5 7l2-2" stroke-width="1"/>')}
</defs></svg>`;

function pattern(name: string, content: string): string {
  return `<pattern id="${name}" class="${name}" width="6" height="6" patternUnits="userSpaceOnUse">${content}</pattern>`;
}

/** What each class looks like, with its name. */
export function drawLegend(): string {
  const items = CLASS_WORDS.map(
    ([name, words]) =>
      `<li><svg width="22" height="14" aria-hidden="true"><rect width="21" height="13" x=".5" y=".5" class="bar ${name}"/></svg> ${words}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>`;
}

type Scale = (ms: number) => number;

interface Box {
  readonly top: number;
  readonly height: number;
}

function drawAxis({ durationMs }: Chart, x: Scale): string[] {
  const stepMs =
    [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000].find((step) => durationMs / step <= 14) ?? 600_000;
  const ticks = Array.from({ length: Math.floor(durationMs / stepMs) + 1 }, (_, index) => index * stepMs);
  return ticks.flatMap((ms) => [
    line([x(ms), REQUESTS.top], [x(ms), AXIS_TOP], "grid"),
    text([x(ms), AXIS_TOP + 16], `${ms / 1_000} s`, "axis middle"),
  ]);
}

function drawRequests({ bins, binMs, durationMs }: Chart, x: Scale): string[] {
  const { top, height } = REQUESTS;
  const most = Math.max(1, ...bins.map(totalOf));
  const y = (count: number): number => top + height - (count / most) * height;
  const bars = bins.flatMap((bin, index) => {
    const [from, to] = [x(index * binMs), x(Math.min(durationMs, (index + 1) * binMs))];
    let below = 0;
    const rects = CLASS_WORDS.flatMap(([name]) => {
      const count = bin.counts[name];
      if (count === 0) return [];
      below += count;
      return [rect([from, y(below)], [Math.max(0.5, to - from - 0.6), (count / most) * height], `bar ${name}`)];
    });
    return rects.length === 0
      ? []
      : [`<g><title>${escapeMarkup(tellBin(bin, index * binMs))}</title>`, ...rects, "</g>"];
  });
  const middle = Math.round(most / 2);
  const counts = most > 1 ? [0, middle, most] : [0, most];
  return [
    ...counts.flatMap((count) => [
      line([LEFT, y(count)], [LEFT + PLOT_WIDTH, y(count)], "grid"),
      text([LEFT - 6, y(count) + 4], String(count), "axis end"),
    ]),
    ...bars,
  ];
}

function totalOf({ counts }: ChartBin): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function tellBin({ counts, p50Ms, maxMs }: ChartBin, fromMs: number): string {
  const told = CLASS_WORDS.filter(([name]: readonly [DrawnClass, string]) => counts[name] > 0);
  const classes = told.map(([name, words]) => `${counts[name]} ${words}`).join(", ");
  return `${fromMs / 1_000} s: ${classes}; median ${formatLatency(p50Ms)} ms, slowest ${formatLatency(maxMs)} ms`;
}

/** Median and slowest on a logarithmic scale from 1 ms: an outage is thousands of times slower than the rest. */
function drawLatency({ bins, binMs }: Chart, x: Scale): string[] {
  const { top, height } = LATENCY;
  const slowest = Math.max(10, ...bins.map(({ maxMs }) => maxMs ?? 0));
  const decades = Math.ceil(Math.log10(slowest));
  const y = (ms: number): number => top + height - (Math.log10(Math.max(1, ms)) / decades) * height;
  const points = (pick: (bin: ChartBin) => number | null): (Point | undefined)[] =>
    bins.map((bin, index) => {
      const ms = pick(bin);
      return ms === null ? undefined : [x((index + 0.5) * binMs), y(ms)];
    });
  const labels = Array.from({ length: decades + 1 }, (_, decade) => 10 ** decade);
  return [
    ...labels.flatMap((ms) => [
      line([LEFT, y(ms)], [LEFT + PLOT_WIDTH, y(ms)], "grid"),
      text([LEFT - 6, y(ms) + 4], ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`, "axis end"),
    ]),
    path(
      points(({ maxMs }) => maxMs),
      "slowest",
    ),
    path(
      points(({ p50Ms }) => p50Ms),
      "median",
    ),
  ];
}

/** Stretches beside one another, with their names where there is room. */
function drawLane<S extends Span>(
  label: string,
  { top, height }: Box,
  spans: readonly S[],
  { x, className }: { readonly x: Scale; readonly className: (span: S) => string },
): string[] {
  return [
    text([LEFT - 6, top + height / 2 + 4], label, "axis end"),
    ...spans.flatMap((span) => {
      const [from, to] = [x(span.fromMs), x(span.toMs)];
      const name = escapeMarkup(span.name);
      const seconds = `${(span.fromMs / 1_000).toFixed(2)} s to ${(span.toMs / 1_000).toFixed(2)} s`;
      const box = rect([from, top], [Math.max(1, to - from), height], `span ${className(span)}`);
      const hasRoom = to - from > span.name.length * LETTER_WIDTH + 8;
      const plate = rect([from + 3, top + 4], [span.name.length * LETTER_WIDTH + 4, height - 8], "plate");
      const words = hasRoom ? [plate, text([from + 6, top + height / 2 + 4], span.name, "name")] : [];
      return [`<g><title>${name}: ${seconds}</title>`, box, ...words, "</g>"];
    }),
  ];
}

function classOfState({ isWell, name }: StateSpan): string {
  if (isWell) return "well";
  return name === "no answer" ? "silent" : "trouble";
}

/** First the lines, then the words, which stand before every line. */
function drawMarks({ marks }: Chart, x: Scale): string[] {
  const moments = [
    ["fault", marks.faultMs],
    ["healed", marks.healedMs],
    ["writes succeed again", marks.recoveredMs],
  ] as const;
  const drawn = moments.flatMap(([name, ms], row) => {
    if (ms === undefined) return [];
    const baseline = MARKS_TOP + row * 14;
    const isRight = x(ms) > LEFT + PLOT_WIDTH * 0.75;
    const words = `${name}, ${(ms / 1_000).toFixed(2)} s`;
    return {
      stroke: line([x(ms), baseline - 10], [x(ms), AXIS_TOP], `mark mark-${row}`),
      label: text([x(ms) + (isRight ? -5 : 5), baseline], words, isRight ? "mark-name end" : "mark-name"),
    };
  });
  return [...drawn.map(({ stroke }) => stroke), ...drawn.map(({ label }) => label)];
}

type Point = readonly [x: number, y: number];

function line([x1, y1]: Point, [x2, y2]: Point, className: string): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" class="${className}"/>`;
}

function rect([x, y]: Point, [width, height]: Point, className: string): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" class="${className}"/>`;
}

function text([x, y]: Point, words: string, className: string): string {
  return `<text x="${n(x)}" y="${n(y)}" class="${className}">${escapeMarkup(words)}</text>`;
}

/** A line through the points, broken where there is none; one that stands alone is a dot. */
function path(points: readonly (Point | undefined)[], className: string): string {
  const steps = points.map((point, index) => {
    if (point === undefined) return "";
    const isStart = points[index - 1] === undefined;
    return `${isStart ? "M" : "L"}${n(point[0])} ${n(point[1])}${isStart && points[index + 1] === undefined ? "h0" : ""}`;
  });
  return `<path d="${steps.join("")}" class="${className}"/>`;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
