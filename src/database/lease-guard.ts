import type { Clock } from "../core/clock.ts";
import type { LeaseWarning } from "./events.ts";
import type { PooledConnection } from "./pool-types.ts";

/** Who holds a connection: a statement by its text, or a transaction by the place where it was begun. */
export type Holder = readonly string[] | Error;

/** Longest text of a statement that is worth a line of the log. */
const MAX_TEXT = 200;

/** Frames of the connection system itself say nothing about who called it. */
const OWN_FRAMES = import.meta.dir;

export interface LeaseGuardDeps {
  readonly clock: Clock;
  /** Milliseconds; Infinity for never. */
  readonly leaseWarningMs: number;
  readonly leased: () => readonly PooledConnection[];
  readonly onWarning: (warning: LeaseWarning) => void;
}

/** Tells once of every lease that lasts longer than `leaseWarningMs`. Source: HikariCP leakDetectionThreshold. */
export class LeaseGuard {
  readonly #deps: LeaseGuardDeps;
  /** The lease that was told of, by the moment at which it began. */
  readonly #told = new WeakMap<PooledConnection, number>();

  constructor(deps: LeaseGuardDeps) {
    this.#deps = deps;
  }

  tidy(): void {
    const { clock, leaseWarningMs, leased, onWarning } = this.#deps;
    if (leaseWarningMs === Number.POSITIVE_INFINITY) return;
    const now = clock.now();
    for (const connection of leased()) {
      const { leasedAt, holder } = connection;
      if (now - leasedAt < leaseWarningMs || this.#told.get(connection) === leasedAt) continue;
      this.#told.set(connection, leasedAt);
      onWarning({ heldMs: now - leasedAt, where: describeHolder(holder) });
    }
  }
}

/** The statement's text with $1, $2 for its values, or the program's own frame that began the transaction. */
export function describeHolder(holder: Holder | undefined): string {
  if (holder === undefined) return "unknown";
  if (holder instanceof Error) return callerOf(holder);
  const text = holder.reduce((before, part, index) => `${before}$${index}${part}`).replace(/\s+/g, " ");
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function callerOf({ stack = "" }: Error): string {
  const frames = stack.split("\n").filter((line) => /^\s*at /.test(line));
  const frame = frames.find((line) => !line.includes(OWN_FRAMES)) ?? frames[0] ?? "unknown";
  return frame.trim().replace(/^at /, "");
}
