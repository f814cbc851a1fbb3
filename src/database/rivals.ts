import type { HostPort } from "../config/types.ts";
import type { HostRefused } from "./events.ts";
import { type History, isOlder } from "./history.ts";
import type { ProbeConnection } from "./monitor.ts";

/** A host, and a connection to the server there. */
export interface Found<C extends ProbeConnection = ProbeConnection> {
  readonly host: HostPort;
  readonly connection: C;
  /** Undefined where it was not asked: one host, or a server that takes no writes. */
  readonly history: History | undefined;
  /** It goes on with a history that we were part of, and was promoted for that. */
  readonly isSuccessor: boolean;
}

/** Decides between servers that take writes where there should be one, and tells of those that are left aside. */
export class Rivals {
  readonly #onRefused: (refused: HostRefused) => void;
  /** Told already. */
  readonly #refused = new Set<string>();
  /** The latest history that we were part of. */
  #latest: Pick<HostRefused, "used" | "usedTimeline"> & { readonly history: History } = {
    used: "",
    usedTimeline: 0,
    history: { system: "", timeline: 0 },
  };

  /** `onRefused` is called once for each start of a server. */
  constructor(onRefused: (refused: HostRefused) => void) {
    this.#onRefused = onRefused;
  }

  /** This server is used from now on. */
  use({ connection, history }: Found): void {
    if (history === undefined || history.timeline === 0) return;
    this.#latest = { used: connection.facts.address, usedTimeline: history.timeline, history };
  }

  /** Whether we have been part of a later history than this server's, whether or not anybody else goes on with it now. */
  isOutdated(found: Found): boolean {
    const isOutdated = isOlder(found.history, this.#latest.history);
    if (isOutdated) this.refuse(found);
    return isOutdated;
  }

  /** Whether it is later than any that we have been part of. */
  isSuccessor(history: History | undefined): boolean {
    return isOlder(this.#latest.history, history);
  }

  /** The server that was promoted last; the first of equals. */
  latest<F extends Found>([first, ...others]: readonly F[]): F | undefined {
    if (first === undefined) return undefined;
    const winner = others.reduce((best, one) => (isOlder(best.history, one.history) ? one : best), first);
    this.use(winner);
    const { server } = winner.connection.backend;
    for (const one of [first, ...others]) if (one.connection.backend.server !== server) this.refuse(one);
    return winner;
  }

  /** Tells of a server that takes writes and is not used. */
  refuse({ connection, history }: Found): void {
    const { server } = connection.backend;
    if (this.#refused.has(server)) return;
    this.#refused.add(server);
    const { used, usedTimeline } = this.#latest;
    this.#onRefused({ address: connection.facts.address, timeline: history?.timeline ?? 0, used, usedTimeline });
  }
}
