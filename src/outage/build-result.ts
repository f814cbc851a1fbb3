import { cutChart } from "./chart.ts";
import { computeAvailability, computeFigures, type Figures } from "./figures.ts";
import { latencyByWindow } from "./latency.ts";
import { countRequests } from "./ledger.ts";
import type { Observations } from "./observations.ts";
import { plannedSlos, type SloPlan } from "./planned-slos.ts";
import type { OutageReport, OutageResult } from "./report-model.ts";
import { cutTimeline } from "./timeline.ts";
import { judge } from "./verdict.ts";
import { accountWrites, type WriteAccount } from "./write-account.ts";

/** Everything that a run's report is made of. */
export interface ResultInput extends SloPlan {
  readonly target: { readonly kind: string; readonly description: string };
  readonly startedAt: Date;
  readonly seed: number;
  readonly steadyForMs: number;
  readonly observations: Observations;
  /** How many rows the table holds for each id; undefined if it could not be read. */
  readonly rows: ReadonlyMap<string, number> | undefined;
  /** Why it could not. */
  readonly whyUnread?: string;
  readonly pool: OutageReport["pool"];
  readonly isInterrupted: boolean;
  /** How the server ended, if it did before it was told to. */
  readonly serverEnding: string | undefined;
}

/** Turns what a run saw into figures, a verdict, a timeline and the notes that qualify them. */
export function buildResult(input: ResultInput): OutageResult {
  const { observations, scenario, isInterrupted } = input;
  const { moments, entries, health, requestTimeoutMs } = observations;
  const measured = computeFigures(observations, input);
  const figures = scenario.expectsNoOutage ? { ...measured, ttdMs: null } : measured;
  const requests = countRequests(entries, requestTimeoutMs);
  const writes = accountWrites(entries, input.rows);
  const recoveredAt = recoveredAtOf(observations, figures);
  const slos = plannedSlos(input);
  const report: OutageReport = {
    schema: "deby.outage/1",
    scenario: scenario.name,
    target: input.target.kind,
    startedAt: input.startedAt.toISOString(),
    seed: input.seed,
    figures: {
      ttdMs: figures.ttdMs,
      dbReadyMs: figures.dbReadyMs,
      ttrMs: figures.ttrMs,
      appLagMs: figures.appLagMs,
    },
    requests,
    writes: {
      acknowledged: writes.acknowledged,
      lost: writes.table?.lost ?? null,
      duplicated: writes.table?.duplicated ?? null,
      unknown: writes.unknown,
    },
    latencyMs: latencyByWindow(entries, { injectedAt: moments.injectedAt, recoveredAt }),
    availability: computeAvailability(observations),
    pool: input.pool,
    ...judge({
      figures,
      writes,
      hung: requests.hung,
      failed: requests.failedFast + requests.timedOut,
      slos,
      isInterrupted,
    }),
  };
  return {
    report,
    targetDescription: input.target.description,
    timeline: cutTimeline({ ...moments, startedAt: moments.loadAt, recoveredAt, health, entries, requestTimeoutMs }),
    chart: cutChart(observations, recoveredAt),
    notes: writeNotes(input, { writes, wasAlarmed: scenario.expectsNoOutage === true && measured.ttdMs !== null }),
  };
}

function recoveredAtOf({ moments }: Observations, { ttrMs }: Figures): number | undefined {
  return moments.healedAt === undefined || ttrMs === null ? undefined : moments.healedAt + ttrMs;
}

/** The load generator itself was late by so much: its latencies are partly its own. */
const LATE_START_MS = 100;

interface Findings {
  readonly writes: WriteAccount;
  /** Its health was not ok although the scenario expects no outage. */
  readonly wasAlarmed: boolean;
}

function writeNotes(
  { observations, isInterrupted, serverEnding, whyUnread }: ResultInput,
  { writes, wasAlarmed }: Findings,
): string[] {
  const notes: string[] = [];
  if (wasAlarmed) notes.push("The server said that it was not well for a while, although this fault is no outage.");
  if (isInterrupted)
    notes.push("The run was interrupted: the figures cover what there was until then and prove nothing.");
  if (serverEnding !== undefined) notes.push(`The server ended by itself during the run (${serverEnding}).`);
  const { table, unknown } = writes;
  if (unknown > 0) {
    const applied = table === null ? "" : `: ${table.unknownApplied} of them are in the table`;
    notes.push(`${unknown} writes have an unknown outcome${applied}.`);
  }
  if (table === null) {
    const why = whyUnread === undefined ? "" : ` (${whyUnread})`;
    notes.push(`The table could not be compared${why}: nothing is known about lost or duplicated writes.`);
  } else {
    if (table.copies > 0) notes.push(`${table.copies} rows are copies of one that was there already.`);
    if (table.strangers > 0) notes.push(`${table.strangers} ids are in the table that nobody wrote.`);
    if (table.denied > 0) notes.push(`${table.denied} writes are in the table although their answer said otherwise.`);
  }
  const lateMs = observations.entries.reduce((max, entry) => Math.max(max, entry.startedAt - entry.intendedAt), 0);
  if (lateMs > LATE_START_MS) {
    notes.push(
      `This machine was too busy: a request started ${Math.round(lateMs)} ms late, which its latency includes.`,
    );
  }
  return notes;
}
