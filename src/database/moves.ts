import type { Clock } from "../core/clock.ts";
import type { DebyError } from "../errors.ts";
import type { DatabaseEvents, Reason } from "./events.ts";
import type { Hosts } from "./hosts.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { Pool } from "./pool.ts";
import type { PooledConnection } from "./pool-types.ts";

/** For a look at the hosts that we are not with, in milliseconds. */
const LOOK_LIMIT_MS = 2000;
/** What makes us ask whether we are still with the right server, where one address leads to whatever is behind it. */
const SIGNS_OF_A_MOVE = new Set(["25006", "READ_ONLY", "ADDRESS_CHANGED"]);

export interface MovesDeps {
  readonly clock: Clock;
  readonly hosts: Pick<Hosts, "areSeveral" | "scout" | "addressChange">;
  readonly probeName: string;
  readonly signal: AbortSignal;
  readonly pool: Pick<Pool<PooledConnection>, "evictOthers">;
  readonly onMoved: (move: DatabaseEvents["moved"]) => void;
  readonly onTrouble: (error: DebyError) => void;
}

/** Takes care that all connections lead to one server, and that it is the right one. */
export class Moves {
  readonly #deps: MovesDeps;
  #current: Pick<ProbeConnection, "backend" | "facts"> | undefined;

  constructor(deps: MovesDeps) {
    this.#deps = deps;
  }

  /** This server has answered, and is used from now on; `suspicion` is what was held against the one before. */
  note({ backend, facts }: ProbeConnection, suspicion: Reason | undefined): void {
    const { hosts, pool, onMoved } = this.#deps;
    const before = this.#current;
    this.#current = { backend, facts };
    if (before === undefined || before.backend.server === backend.server) return;
    // Behind a pooler, or a balancer that has several servers of one kind, another server is nothing unusual.
    if (!before.backend.isDirect || !backend.isDirect) return;
    if (!hosts.areSeveral && !SIGNS_OF_A_MOVE.has(suspicion?.code ?? "")) return;
    pool.evictOthers(backend.server, suspicion?.code === "ADDRESS_CHANGED" ? "when released" : "at once");
    onMoved({ from: before.facts.address, to: facts.address });
  }

  /** Finds out whether another server takes writes, or the name leads elsewhere. Never throws. */
  async lookAround(heart: ProbeConnection): Promise<void> {
    const { clock, hosts, probeName: applicationName, signal, onTrouble } = this.#deps;
    const deadlineAt = clock.now() + LOOK_LIMIT_MS;
    const moved = await hosts.addressChange(heart, { clock, deadlineAt, signal });
    if (moved !== undefined) onTrouble(moved);
    const error = await hosts.scout(heart, { applicationName, deadlineAt, signal });
    if (error !== undefined) onTrouble(error);
  }
}
