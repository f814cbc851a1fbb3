/** The event's name in the log of the server under test. */
export const SUSPECTED = "faults.suspected";

/** When deby came to suspect its server, at `since` or later; both on the scale of `performance.now()` of this process. */
export function suspectedAt(lines: readonly string[], since: number): number | undefined {
  const aheadMs = Date.now() - performance.now();
  for (const line of lines) {
    if (!line.includes(SUSPECTED)) continue;
    const at = (JSON.parse(line) as { at: number }).at - aheadMs;
    // Whole milliseconds are told.
    if (at >= since - 1) return Math.max(at, since);
  }
  return undefined;
}
