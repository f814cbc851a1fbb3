/** Values by series, as the text names it: `deby_db_state{state="up"}`. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

/** The names of all metrics, in the order of the text. */
export function metricNames(text: string): string[] {
  return Array.from(text.matchAll(/^# TYPE (\S+) /gm), ([, name = ""]) => name);
}
