import type { Figures } from "./figures.ts";
import type { Verdict } from "./report-model.ts";
import { evaluateSlos, type Slo, type SloFigures, type SloResult } from "./slo.ts";
import type { WriteAccount } from "./write-account.ts";

export interface VerdictInput {
  readonly figures: Figures;
  readonly writes: WriteAccount;
  readonly hung: number;
  /** Requests that were refused or timed out. */
  readonly failed: number;
  readonly slos: readonly Slo[];
  readonly isInterrupted: boolean;
}

/** Judges a run: broken if any objective is; interrupted if it was ended early, whatever the figures say. */
export function judge(input: VerdictInput): { readonly verdict: Verdict; readonly slos: SloResult[] } {
  const slos = evaluateSlos(input.slos, namedFigures(input));
  if (input.isInterrupted) return { verdict: "interrupted", slos };
  return { verdict: slos.every(({ kept }) => kept) ? "kept" : "broken", slos };
}

function namedFigures({ figures, writes, hung, failed }: VerdictInput): SloFigures {
  return {
    ttd: figures.ttdMs,
    dbReady: figures.dbReadyMs,
    ttr: figures.ttrMs,
    appLag: figures.appLagMs,
    steady: figures.steadyMs,
    lost: writes.table?.lost ?? null,
    duplicate: writes.table?.duplicated ?? null,
    unknown: writes.unknown,
    hung,
    failed,
  };
}
