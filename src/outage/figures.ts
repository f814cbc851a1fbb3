import { classify } from "./ledger.ts";
import type { Observations } from "./observations.ts";
import { findRecovery, lastUnsteadyAt } from "./recovery.ts";

/** The figures of a run in milliseconds; null where the run did not measure them. */
export interface Figures {
  readonly ttdMs: number | null;
  readonly dbReadyMs: number | null;
  readonly ttrMs: number | null;
  readonly appLagMs: number | null;
  /** Healing begun until the last thing that was not as it should be, if all was well for long enough after it. */
  readonly steadyMs: number | null;
}

/**
 * Computes the figures of section "Report" from what was seen.
 * @param options.steadyForMs all must have been well for so long until the end before it counts as steady
 */
export function computeFigures(observations: Observations, { steadyForMs }: { readonly steadyForMs: number }): Figures {
  const { moments, entries, health } = observations;
  const { injectedAt, faultAt, healedAt, dbReadyAt, endedAt } = moments;
  // The server may know before the probe does: what it said since the injection counts, and then took no time.
  const noticedAt = health.find(({ at, isWell }) => !isWell && injectedAt !== undefined && at >= injectedAt)?.at;
  const ttdMs = faultAt === undefined || noticedAt === undefined ? null : Math.max(0, noticedAt - faultAt);
  if (healedAt === undefined)
    return { ttdMs: round(ttdMs), dbReadyMs: null, ttrMs: null, appLagMs: null, steadyMs: null };
  const recoveredAt = findRecovery(entries, healedAt);
  const ttrMs = recoveredAt === undefined ? null : recoveredAt - healedAt;
  // The probe looks every few milliseconds only, and a write that succeeded meanwhile proves that the database was ready.
  const dbReadyMs = dbReadyAt === undefined ? null : Math.min(dbReadyAt - healedAt, ttrMs ?? Number.POSITIVE_INFINITY);
  const steadyAt =
    recoveredAt === undefined ? undefined : Math.max(recoveredAt, lastUnsteadyAt(observations, endedAt) ?? 0);
  const isSteady = steadyAt !== undefined && endedAt - steadyAt >= steadyForMs;
  return {
    ttdMs: round(ttdMs),
    dbReadyMs: round(dbReadyMs),
    ttrMs: round(ttrMs),
    appLagMs: round(ttrMs === null || dbReadyMs === null ? null : ttrMs - dbReadyMs),
    steadyMs: round(isSteady ? steadyAt - healedAt : null),
  };
}

/**
 * Part of the requests that succeeded, late or not, of those meant to start from the injection of the fault until the
 * end of the load; null without any.
 */
export function computeAvailability({ moments, entries, requestTimeoutMs }: Observations): number | null {
  const { injectedAt } = moments;
  if (injectedAt === undefined) return null;
  const classes = entries
    .filter((entry) => entry.intendedAt >= injectedAt)
    .map((entry) => classify(entry, requestTimeoutMs))
    .filter((requestClass) => requestClass !== undefined);
  if (classes.length === 0) return null;
  const served = classes.filter((requestClass) => requestClass === "ok" || requestClass === "held").length;
  return Math.round((served / classes.length) * 1e6) / 1e6;
}

function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
