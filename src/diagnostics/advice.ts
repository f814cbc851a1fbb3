import type { Reason } from "../database/events.ts";
import type { Subject } from "./check.ts";
import { remedyFor } from "./remedies.ts";

/** What a running server tells of a trouble in its log. */
export interface Advice {
  readonly cause: string;
  /** The first thing to type on this system; undefined where nothing can be typed. */
  readonly command: string | undefined;
}

/** The catalogue's words for why a database is not usable. Of several hosts each may have a trouble of its own: none. */
export function adviseOn(reason: Reason, subject: Subject): Advice | undefined {
  if (subject.target.hosts.length !== 1) return undefined;
  const { cause, fix } = remedyFor(reason, subject);
  return { cause, command: fix[0]?.command };
}
