import type { Clock } from "../core/clock.ts";
import { codedError } from "../core/within.ts";
import type { DebyError } from "../errors.ts";
import { areTwo } from "./backend.ts";
import type { DatabaseEvents, Reason } from "./events.ts";
import type { Hosts } from "./hosts.ts";
import type { ProbeConnection } from "./monitor.ts";
import { NameAnswers } from "./name-answers.ts";
import type { Pool } from "./pool.ts";
import type { PooledConnection } from "./pool-types.ts";
import { connectError } from "./sqlstate.ts";

/** For the name server's answer, in milliseconds. */
const LOOK_LIMIT_MS = 2000;
/** Where one address leads to whatever is behind it: what tells that the server behind it is not the right one any more. */
const SIGNS_OF_A_MOVE = new Set(["25006", "READ_ONLY"]);

export interface MovesDeps {
  readonly clock: Clock;
  readonly hosts: Pick<Hosts, "isOneRight" | "isAnother" | "followsName" | "forgetAddress" | "addresses">;
  readonly signal: AbortSignal;
  readonly pool: Pick<Pool<PooledConnection>, "evictAll" | "retireOthers">;
  readonly onMoved: (move: DatabaseEvents["moved"]) => void;
  readonly onTrouble: (error: DebyError) => void;
}

/** Takes care that all connections lead to one server, where its name leads. */
export class Moves {
  readonly #deps: MovesDeps;
  #current: Pick<ProbeConnection, "backend" | "remoteAddress" | "facts"> | undefined;
  readonly #answers = new NameAnswers();
  /** The name server's answer about which we have raised the alarm. */
  #alarmedBy = "";

  constructor(deps: MovesDeps) {
    this.#deps = deps;
  }

  /** This server has answered, and is used from now on; `reason` is what was held against the one before. */
  note(connection: ProbeConnection, reason: Reason | undefined): void {
    const { hosts, pool, onMoved } = this.#deps;
    const { backend, remoteAddress, facts } = connection;
    const before = this.#current;
    this.#current = { backend, remoteAddress, facts };
    if (this.#alarmedBy !== "") void this.followName(connection);
    if (before === undefined) return;
    const isElsewhere = hosts.isOneRight && before.facts.address !== facts.address;
    const isRefusing = SIGNS_OF_A_MOVE.has(reason?.code ?? "");
    // Behind a pooler, or a balancer that has several servers of one kind, another server is nothing unusual.
    const isAnother = hosts.isAnother(connection, before) || (isRefusing && areTwo(before.backend, backend));
    if (!isElsewhere && !isAnother) return;
    pool.evictAll((other) => areTwo(other.backend, backend) || (isElsewhere && other.facts.address !== facts.address));
    if (isElsewhere) onMoved({ from: before.facts.address, to: facts.address });
  }

  /** Connections lead to where the name leads, unless its answers change as they come. Never throws. */
  async followName({ facts, remoteAddress }: ProbeConnection): Promise<void> {
    const { clock, hosts, signal, pool, onMoved, onTrouble } = this.#deps;
    if (!hosts.followsName || remoteAddress === undefined) return;
    const addresses = await hosts.addresses({ clock, deadlineAt: clock.now() + LOOK_LIMIT_MS, signal });
    if (addresses.length === 0 || this.#answers.isChanging(addresses, clock.now())) return;
    if (addresses.includes(remoteAddress)) {
      this.#alarmedBy = "";
      const retired = pool.retireOthers(new Set(addresses));
      if (retired.length > 0) onMoved({ from: retired.join(", "), to: remoteAddress });
      return;
    }
    const answer = [...addresses].sort().join(" ");
    // Whoever was asked before the answer came may have been found where the name led then.
    hosts.forgetAddress();
    if (answer === this.#alarmedBy) return;
    this.#alarmedBy = answer;
    const why = codedError("ADDRESS_CHANGED", `the name leads to ${answer} now, no longer to ${remoteAddress}`);
    onTrouble(connectError(why, facts.address));
  }
}
