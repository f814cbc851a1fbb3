const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

type Unit = keyof typeof UNIT_MS;

/** A duration as a program writes it: `250ms`, `10s`, `5m`, `1h`. */
export type Duration = `${number}${Unit}`;

/** What a message shows where a duration was expected. */
export const DURATION_EXAMPLES = "250ms, 10s, 5m or 1h";

/**
 * Milliseconds of a duration such as `250ms`, `10s`, `1.5m` or `1h`. A bare number has no unit and is no duration.
 * Returns undefined for anything else, and for what is no whole number of milliseconds.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2] as Unit];
  // 1.1s is 1100.0000000000002 ms in binary: rounding is allowed to mend that and nothing more.
  const whole = Math.round(ms);
  return Math.abs(whole - ms) < 1e-6 && Number.isSafeInteger(whole) ? whole : undefined;
}

/** Milliseconds of a comma-separated list of durations; undefined when any of them is none. */
export function parseDurationList(text: string): readonly number[] | undefined {
  const durations: number[] = [];
  for (const item of text.split(",")) {
    const ms = parseDuration(item);
    if (ms === undefined) return undefined;
    durations.push(ms);
  }
  return durations;
}

/** The shortest exact notation: 90000 is `90s`, 3600000 is `1h`; parts of a millisecond are rounded away. */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  if (whole === 0) return "0ms";
  for (const unit of ["h", "m", "s"] as const) {
    if (whole % UNIT_MS[unit] === 0) return `${whole / UNIT_MS[unit]}${unit}`;
  }
  return `${whole}ms`;
}
