import type { HostPort } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { HostRefused } from "./events.ts";
import type { ProbeConnection } from "./monitor.ts";
import { timelineOf } from "./timeline.ts";

/** A host, and a connection to the server there. */
export interface Found<C extends ProbeConnection = ProbeConnection> {
  readonly host: HostPort;
  readonly connection: C;
}

/** Decides between servers that take writes where there should be one, and tells of those that are left aside. */
export class Rivals {
  readonly #clock: Clock;
  readonly #onRefused: (refused: HostRefused) => void;
  /** Told already. */
  readonly #refused = new Set<string>();

  /** `onRefused` is called once for each start of a server. */
  constructor(clock: Clock, onRefused: (refused: HostRefused) => void) {
    this.#clock = clock;
    this.#onRefused = onRefused;
  }

  /** The server that was promoted last; the first of equals. */
  async latest<C extends ProbeConnection>(found: readonly Found<C>[]): Promise<Found<C> | undefined> {
    const servers = new Set(found.map(({ connection }) => connection.backend.server));
    if (servers.size < 2) return found[0];
    const known = await Promise.all(
      found.map(async (one) => ({ ...one, timeline: await timelineOf(one.connection, this.#clock.now()) })),
    );
    const winner = known.reduce((highest, one) => (one.timeline > highest.timeline ? one : highest));
    for (const { connection, timeline } of known) {
      const { server } = connection.backend;
      if (server === winner.connection.backend.server || this.#refused.has(server)) continue;
      this.#refused.add(server);
      const used = winner.connection.facts.address;
      this.#onRefused({ address: connection.facts.address, timeline, used, usedTimeline: winner.timeline });
    }
    return winner;
  }
}
