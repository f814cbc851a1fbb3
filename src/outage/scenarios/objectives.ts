/** What no fault excuses. */
const SAFE = ["lost==0", "duplicate==0", "unknown==0", "hung==0"] as const;

/** The database is away, and whoever asks hears so at once. */
export const OUTAGE: readonly string[] = ["ttd<3s", "appLag<2s", ...SAFE];

/** Nobody says that it is away: only a silence that lasts tells. */
export const SILENCE: readonly string[] = ["ttd<5s", "appLag<2s", ...SAFE];

/** There is trouble, and everything is served nevertheless. */
export const NO_OUTAGE: readonly string[] = ["failed==0", "appLag<2s", ...SAFE];

/** It costs requests, but nothing stays away. */
export const HICCUP: readonly string[] = ["appLag<2s", ...SAFE];

/** Nothing but the next loud attempt finds out that the password is right again: a quiet probe would lock the role. */
export function refusal(retryIntervalMs: number): readonly string[] {
  return ["ttd<3s", `appLag<${2_000 + retryIntervalMs}ms`, ...SAFE];
}
