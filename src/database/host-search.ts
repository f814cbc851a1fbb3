import type { TargetSessionAttrs } from "../config/types.ts";
import type { HostDial } from "./host-dial.ts";
import type { ProbeConnection } from "./monitor.ts";
import { type Fitness, fitnessOf } from "./role.ts";

/**
 * Between the starts of dials to two hosts. Less than the 250 ms of RFC 8305, section 5, so that a host that keeps
 * silent costs no more than those 250 ms in all.
 */
const STAGGER_MS = 200;
/** How long after its dial a host is still waited for that may be better than one that would do. */
const GRACE_MS = 200;
/** The same for a host that has accepted, so that somebody is there: on a busy machine a login takes its time. */
const REACHED_GRACE_MS = 1000;
/** The same for a host that kept silent the last time. */
const MUTE_GRACE_MS = 100;

type SeenDial = Pick<
  HostDial<ProbeConnection>,
  "startedAt" | "isMute" | "isReached" | "isPending" | "isOurs" | "isTrusted" | "isSuccessor"
> & {
  readonly connection: Pick<ProbeConnection, "facts"> | undefined;
};

export interface SearchState<D extends SeenDial> {
  readonly dials: readonly D[];
  /** How many hosts are not dialled yet. */
  readonly remaining: number;
  readonly now: number;
  readonly wanted: TargetSessionAttrs;
  /** Waits as long as it may for hosts that kept silent the last time. */
  readonly isPatient: boolean;
  /** Another server than ours will do for reads. */
  readonly canFallBack: boolean;
}

/** What comes next: dial another host, wait for news until that moment, take one of these, or give up. */
export type SearchStep<D> =
  | { readonly kind: "dial" }
  | { readonly kind: "wait"; readonly until: number }
  | { readonly kind: "take"; readonly best: readonly D[] }
  | { readonly kind: "fail" };

const BEST_FIRST: readonly Fitness[] = ["wanted", "makeshift", "reads-only"];

/** Decides how a search among several hosts goes on. Pure. */
export function nextStep<D extends SeenDial>(state: SearchState<D>): SearchStep<D> {
  const { dials, remaining, now, wanted, isPatient, canFallBack } = state;
  const fitness = ({ connection, isOurs }: D): Fitness | undefined => {
    const known = connection && fitnessOf(connection.facts, wanted);
    return known === "reads-only" && !canFallBack && !isOurs ? undefined : known;
  };
  const withFitness = (wantedFitness: Fitness): D[] => dials.filter((dial) => fitness(dial) === wantedFitness);
  const trusted = withFitness("wanted").find(({ isTrusted }) => isTrusted);
  if (trusted !== undefined) return { kind: "take", best: [trusted] };

  const pending = dials.filter(({ isPending }) => isPending);
  const best = BEST_FIRST.find((fitness) => withFitness(fitness).length > 0);
  if (remaining > 0) {
    // A host that may be as silent as before holds nobody up; nor does anybody once there is something to compare.
    const heldUpBy = best === undefined ? pending.filter(({ isMute }) => !isMute) : [];
    const dueAt = Math.max(now, ...heldUpBy.map(({ startedAt }) => startedAt + STAGGER_MS));
    return dueAt <= now ? { kind: "dial" } : { kind: "wait", until: dueAt };
  }
  // Who was promoted after the server that we were with is hardly the wrong one.
  const mostMs = withFitness("wanted").some(({ isSuccessor }) => isSuccessor) ? GRACE_MS : Number.POSITIVE_INFINITY;
  const graceMs = (dial: D): number => Math.min(graceOf(dial, best, isPatient), mostMs);
  const until = Math.max(now, ...pending.map((dial) => dial.startedAt + graceMs(dial)));
  if (until > now) return { kind: "wait", until };
  return best === undefined ? { kind: "fail" } : { kind: "take", best: withFitness(best) };
}

/** How long after its dial a host is waited for, given the best that has answered. */
function graceOf({ isMute, isReached }: SeenDial, best: Fitness | undefined, isPatient: boolean): number {
  if (best === "wanted" || best === "makeshift")
    return isMute ? MUTE_GRACE_MS : isReached ? REACHED_GRACE_MS : GRACE_MS;
  // Nobody takes writes: the one that is slow today may do so, and its dial has a deadline of its own.
  const isGivenUp = isMute && !(isPatient && best === undefined);
  return isGivenUp ? MUTE_GRACE_MS : Number.POSITIVE_INFINITY;
}
