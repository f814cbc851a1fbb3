import { type Random, seededRandom } from "../../../src/core/random.ts";

/** What a keyed transaction sends, in this order, each once the one before is answered. */
export const STEPS = ["begin", "key", "work", "result", "commit"] as const;
export type Step = (typeof STEPS)[number];

/** Something happens to connections at a byte of a step or of its reply. */
export interface Strike {
  /** `cut` resets, `silence` holds both directions, `replies-cut` what the server says. */
  readonly kind: "cut" | "silence" | "replies-cut";
  readonly step: Step;
  /** The reply to the step is hit, not the step. */
  readonly hitsReply: boolean;
  /** How many messages of this step and direction get through before. */
  readonly skipped: number;
  /** How much of the message that is hit still gets through: from 0, nothing, to 1. */
  readonly part: number;
  /** `all`: every connection that stands, and those that are made until it heals. */
  readonly scope: "one" | "all";
  /** How long new connections meet the same, and old ones where they heal. */
  readonly outageMs: number;
  /** What was silenced is heard again after the outage; otherwise never. */
  readonly heals: boolean;
}

/** The server and all its processes are killed, and started again. */
export interface Kill {
  readonly kind: "kill";
  readonly afterMs: number;
  readonly downMs: number;
}

/** Half of the writes go to a table with a primary key, half to one in which a second run of the work would be seen. */
export type Way = "canary" | "drill";

export interface PlannedWrite {
  /** Of the row, and the key. */
  readonly id: string;
  readonly way: Way;
  readonly pauseMs: number;
  /** It is sent once more afterwards, also if it succeeds. */
  readonly isRepeated: boolean;
}

export interface Drill {
  readonly seed: number;
  readonly fault: Strike | Kill;
  /** Hits the same key once more, when it is found out what became of it. */
  readonly second: Strike | undefined;
  /** What each writer writes, one after the other. */
  readonly writers: readonly (readonly PlannedWrite[])[];
}

const WRITERS = 20;
const WRITES_EACH = 5;
/** Fewer than there are writes, so that every strike finds its message. */
const MAX_SKIPPED = 60;
const PACES_MS = [0, 10, 40];
const REPEATED = 1 / 20;

const KILLS = 1 / 10;
const STRIKES_OF_ALL = 1 / 5;
const SECOND_STRIKES = 1 / 4;
const KINDS = ["cut", "silence", "replies-cut"] as const;
/** COMMIT is where an outcome can be in doubt. */
const COMMITS = 1 / 2;

const KILL_AFTER_MS = 300;
const DOWN_MS = 1000;
const MIN_OUTAGE_MS = 700;
const MAX_OUTAGE_MS = 2000;

/** The drill of a seed, always the same. */
export function planDrill(seed: number): Drill {
  const random = seededRandom(seed);
  const fault = random() < KILLS ? planKill(random) : planStrike(random);
  const hasSecond = fault.kind !== "kill" && random() < SECOND_STRIKES;
  const second = hasSecond ? planSecond(random) : undefined;
  const paceMs = pick(random, PACES_MS);
  const writers = Array.from({ length: WRITERS }, (_, writer) =>
    Array.from({ length: WRITES_EACH }, (_, index) => ({
      id: idOf(`${seed} ${writer} ${index}`),
      way: writer % 2 === 0 ? ("canary" as const) : ("drill" as const),
      pauseMs: random() * paceMs,
      isRepeated: random() < REPEATED,
    })),
  );
  return { seed, fault, second, writers };
}

/** For messages and for the summary: `silence for ever, all`. */
export function nameOf(fault: Strike | Kill): string {
  if (fault.kind === "kill") return "kill -9";
  const kind = fault.kind === "replies-cut" ? "replies cut" : fault.kind;
  return `${kind}${fault.kind === "cut" || fault.heals ? "" : " for ever"}, ${fault.scope}`;
}

function planKill(random: Random): Kill {
  return { kind: "kill", afterMs: random() * KILL_AFTER_MS, downMs: random() * DOWN_MS };
}

function planStrike(random: Random): Strike {
  return {
    kind: pick(random, KINDS),
    step: random() < COMMITS ? "commit" : pick(random, STEPS.slice(0, -1)),
    hitsReply: random() < 0.5,
    skipped: Math.floor(random() * MAX_SKIPPED),
    part: random(),
    scope: random() < STRIKES_OF_ALL ? "all" : "one",
    outageMs: MIN_OUTAGE_MS + random() * (MAX_OUTAGE_MS - MIN_OUTAGE_MS),
    heals: random() < 0.5,
  };
}

function planSecond(random: Random): Strike {
  const steps = ["key", "work", "commit"] as const;
  return { ...planStrike(random), step: pick(random, steps), skipped: 0, scope: "one" };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** A UUID that no other text gives. */
export function idOf(text: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
