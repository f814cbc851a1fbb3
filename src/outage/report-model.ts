import type { Chart } from "./chart.ts";
import type { LatencySummary } from "./latency.ts";
import type { RequestCounts } from "./ledger.ts";
import type { SloResult } from "./slo.ts";
import type { Timeline } from "./timeline.ts";

/** `kept`: every objective was. `interrupted`: the run was ended early and proves nothing. */
export type Verdict = "kept" | "broken" | "interrupted";

/** What a run found, as `--report json` writes it. Its shape is versioned: fields are added, never changed. */
export interface OutageReport {
  readonly schema: "deby.outage/1";
  readonly scenario: string;
  readonly target: string;
  /** ISO 8601, when the load began. */
  readonly startedAt: string;
  readonly seed: number;
  /** Milliseconds; null where it never came to it. */
  readonly figures: {
    /** Fault confirmed until the first health answer that is not `ok`. */
    readonly ttdMs: number | null;
    /** Healing begun until an independent probe got an answer. */
    readonly dbReadyMs: number | null;
    /** Healing begun until the first of five successful writes in a row. */
    readonly ttrMs: number | null;
    /** `ttr` less `dbReady`: the server's own part. */
    readonly appLagMs: number | null;
  };
  readonly requests: RequestCounts;
  readonly writes: {
    readonly acknowledged: number;
    /** Null where the table could not be read. */
    readonly lost: number | null;
    readonly duplicated: number | null;
    readonly unknown: number;
  };
  readonly latencyMs: {
    readonly before: LatencySummary;
    readonly during: LatencySummary;
    readonly after: LatencySummary;
  };
  /** Part of the requests that succeeded, of those meant to start from the fault until the end; null without any. */
  readonly availability: number | null;
  /** The server's pool as its admin route tells it; null where it does not. */
  readonly pool: { readonly before: unknown; readonly after: unknown };
  readonly slos: readonly SloResult[];
  readonly verdict: Verdict;
}

/** The report with what only a person wants to see. */
export interface OutageResult {
  readonly report: OutageReport;
  /** What was attacked, in words. */
  readonly targetDescription: string;
  readonly timeline: Timeline;
  readonly chart: Chart;
  /** Sentences that qualify the figures. */
  readonly notes: readonly string[];
}
