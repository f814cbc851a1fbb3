import type { HostPort } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { DebyError } from "../errors.ts";
import type { HostConnection, Hosts } from "./hosts.ts";

/** Between two questions to a server that we are not with, give or take a fifth, and for the answer. */
const ASK_EVERY_MS = 2000;
const ASK_LIMIT_MS = 1000;
/** Between two attempts to reach one that cannot be asked. */
const OPEN_EVERY_MS = 5000;

const ROLE = `select pg_is_in_recovery() as "isStandby", current_setting('transaction_read_only')::bool as "isReadOnly"`;

export interface ScoutDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly hosts: Pick<Hosts, "others" | "visit" | "isWanted" | "challenge">;
  readonly applicationName: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Whether we are with a server that takes writes: only then another one is a rival. */
  readonly isActive: () => boolean;
  /** Another server is the right one. */
  readonly onTrouble: (error: DebyError) => void;
}

interface Visit {
  connection: HostConnection | undefined;
  openAgainAt: number;
}

/**
 * Keeps an eye on the hosts that we are not with, over one connection each: a server that is promoted while ours still
 * takes writes tells nobody, and what is written to ours from then on is lost.
 */
export class Scout {
  readonly #deps: ScoutDeps;
  readonly #visits = new Map<HostPort, Visit>();

  constructor(deps: ScoutDeps) {
    this.#deps = deps;
  }

  /** Looks around until the signal fires; resolves when its connections are closed. Never throws. */
  async run(): Promise<void> {
    const { clock, random, hosts, signal, isActive } = this.#deps;
    while (!signal.aborted) {
      await sleep(clock, jittered(ASK_EVERY_MS, 0.2, random), signal);
      if (signal.aborted || !isActive()) continue;
      const others = hosts.others();
      for (const host of this.#visits.keys()) if (!others.includes(host)) this.#leave(host);
      await Promise.all(others.map((host) => this.#look(host)));
    }
    await Promise.all([...this.#visits.values()].map(({ connection }) => connection?.close()));
  }

  async #look(host: HostPort): Promise<void> {
    const { hosts, onTrouble } = this.#deps;
    const connection = await this.#rivalAt(host).catch(() => undefined);
    const error = connection && (await hosts.challenge(host, connection));
    if (error !== undefined) onTrouble(error);
  }

  /** A connection to the server there if it takes writes. */
  async #rivalAt(host: HostPort): Promise<HostConnection | undefined> {
    const { clock, hosts, applicationName, signal } = this.#deps;
    const now = clock.now();
    const visit = this.#visits.get(host) ?? { connection: undefined, openAgainAt: now };
    this.#visits.set(host, visit);
    if (visit.connection !== undefined && !visit.connection.isLost) {
      const { rows } = await visit.connection.control<HostConnection["facts"]>(ROLE, now + ASK_LIMIT_MS);
      return rows[0] !== undefined && hosts.isWanted(rows[0]) ? visit.connection : undefined;
    }
    if (now < visit.openAgainAt) return undefined;
    visit.openAgainAt = now + OPEN_EVERY_MS;
    visit.connection = await hosts.visit({ host, applicationName, deadlineAt: now + ASK_LIMIT_MS, signal });
    return hosts.isWanted(visit.connection.facts) ? visit.connection : undefined;
  }

  #leave(host: HostPort): void {
    void this.#visits.get(host)?.connection?.close();
    this.#visits.delete(host);
  }
}
