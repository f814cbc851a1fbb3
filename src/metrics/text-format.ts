import type { Histogram } from "./histogram.ts";

type Labels = Readonly<Record<string, string>>;

export interface NumberSample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels?: Labels;
  readonly histogram: Histogram;
}

/** One metric with all its series. A name ends in its unit, which is seconds or bytes; a counter's in `_total`. */
export type MetricFamily = { readonly name: string; readonly help: string } & (
  | { readonly type: "counter" | "gauge"; readonly samples: readonly NumberSample[] }
  | { readonly type: "histogram"; readonly samples: readonly HistogramSample[] }
);

export const TEXT_FORMAT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Source: Prometheus, "Exposition formats", text-based format 0.0.4. */
export function renderText(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const family of families) {
    const { name, help, type } = family;
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    if (family.type === "histogram") {
      for (const sample of family.samples) pushHistogram(lines, name, sample);
    } else {
      for (const { labels, value } of family.samples)
        lines.push(`${name}${renderLabels(labels)} ${renderNumber(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Kept in milliseconds, told in seconds, which is Prometheus's unit. */
function pushHistogram(lines: string[], name: string, { labels, histogram }: HistogramSample): void {
  const counts = histogram.cumulativeCounts();
  counts.forEach((count, bucket) => {
    const boundMs = histogram.boundsMs[bucket] ?? Number.POSITIVE_INFINITY;
    lines.push(`${name}_bucket${renderLabels({ ...labels, le: renderNumber(boundMs / 1000) })} ${count}`);
  });
  const rest = renderLabels(labels);
  lines.push(
    `${name}_sum${rest} ${renderNumber(histogram.sumMs / 1000)}`,
    `${name}_count${rest} ${counts.at(-1) ?? 0}`,
  );
}

function renderLabels(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function renderNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
