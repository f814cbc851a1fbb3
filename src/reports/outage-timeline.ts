import type { CellState, Span, Timeline, WatchState } from "../outage/timeline.ts";

const REQUEST_MARKS: Readonly<Record<CellState, string>> = {
  none: ".",
  ok: "=",
  held: "h",
  failedFast: "F",
  timedOut: "T",
  hung: "?",
  cut: "/",
};

const HEALTH_MARKS: Readonly<Record<WatchState, string>> = { none: ".", yes: "=", no: "x", mixed: "~" };

const LEGEND = [
  "requests, by when each was meant to start, the worst of a cell:",
  "  = ok   h held over 1 s   F failed fast   T timed out   ? hung   / cut off   . none",
  "health: = ok   x not ok   ~ both   . not seen",
];

const LABEL_WIDTH = 9;
/** Longer runs are drawn in several bands. */
const CELLS_PER_BAND = 80;
const MARK_EVERY_CELLS = 10;

/** Draws a run in characters, one a cell, with a scale in seconds and a legend. At most 89 columns. */
export function drawTimeline(timeline: Timeline): string[] {
  const rows = [
    ["", drawScale(timeline)],
    ["phase", drawSpans(timeline.phases, timeline)],
    ["circuit", drawSpans(timeline.states, timeline)],
    ["health", timeline.health.map((state) => HEALTH_MARKS[state]).join("")],
    ["writes", timeline.writes.map((state) => REQUEST_MARKS[state]).join("")],
    ["reads", timeline.reads.map((state) => REQUEST_MARKS[state]).join("")],
  ] as const;
  const lines: string[] = [];
  for (let from = 0; from < timeline.cells; from += CELLS_PER_BAND) {
    for (const [label, cells] of rows) {
      lines.push(label.padEnd(LABEL_WIDTH) + cells.slice(from, from + CELLS_PER_BAND));
    }
    lines.push("");
  }
  return [...lines, ...LEGEND];
}

/** The seconds since the load began, at every tenth cell. */
function drawScale({ cells, cellMs }: Timeline): string {
  let scale = "";
  for (let cell = 0; cell < cells; cell += MARK_EVERY_CELLS) {
    scale = `${scale.padEnd(cell)}|${(cell * cellMs) / 1_000}s`;
  }
  return scale.slice(0, cells);
}

/** Each stretch begins with its name, as far as there is room; one that is shorter than a cell still has one. */
function drawSpans(spans: readonly Span[], { cells, cellMs }: Timeline): string {
  const [first] = spans;
  let row = " ".repeat(first === undefined ? 0 : Math.min(cells, Math.round(first.fromMs / cellMs)));
  for (const { name, toMs } of spans) {
    const end = Math.min(cells, Math.max(row.length + 1, Math.round(toMs / cellMs)));
    row += `[${name} `.padEnd(end - row.length, "-").slice(0, end - row.length);
  }
  return row;
}
