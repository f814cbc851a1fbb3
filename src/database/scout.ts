import type { HostPort } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { DebyError } from "../errors.ts";
import type { ServerFacts } from "./events.ts";
import type { HostConnection, Hosts } from "./hosts.ts";
import { QuestionLine } from "./question-line.ts";

/** Between two questions to a server that we are not with, give or take a fifth, and for the answer. */
const ASK_EVERY_MS = 2000;
const ASK_LIMIT_MS = 3000;

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

/**
 * Keeps an eye on the hosts that we are not with, over one connection each: a server that is promoted while ours still
 * takes writes tells nobody, and what is written to ours from then on is lost.
 */
export class Scout {
  readonly #deps: ScoutDeps;
  readonly #lines = new Map<HostPort, QuestionLine<HostConnection>>();

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
      for (const host of this.#lines.keys()) if (!others.includes(host)) void this.#leave(host);
      await Promise.all(others.map((host) => this.#look(host)));
    }
    await Promise.all([...this.#lines.keys()].map((host) => this.#leave(host)));
  }

  async #look(host: HostPort): Promise<void> {
    const { clock, hosts, onTrouble } = this.#deps;
    try {
      const rival = await this.#rivalAt(host);
      const error = rival && (await hosts.challenge(host, rival, clock.now() + ASK_LIMIT_MS));
      if (error !== undefined) onTrouble(error);
    } catch {
      // It is not there, or has nothing to say; it is asked again.
    }
  }

  /** A connection to the server there if it takes writes. */
  async #rivalAt(host: HostPort): Promise<HostConnection | undefined> {
    const { clock, hosts } = this.#deps;
    const deadlineAt = clock.now() + ASK_LIMIT_MS;
    const connection = await this.#line(host).connection(deadlineAt);
    const answer = await connection?.control<Pick<ServerFacts, "isStandby" | "isReadOnly">>(ROLE, deadlineAt);
    const role = answer?.rows[0];
    return role !== undefined && hosts.isWanted(role) ? connection : undefined;
  }

  #line(host: HostPort): QuestionLine<HostConnection> {
    const { clock, hosts, applicationName, signal } = this.#deps;
    const open = (deadlineAt: number) => hosts.visit({ host, applicationName, deadlineAt, signal });
    const line = this.#lines.get(host) ?? new QuestionLine(clock, open);
    this.#lines.set(host, line);
    return line;
  }

  async #leave(host: HostPort): Promise<void> {
    const line = this.#lines.get(host);
    this.#lines.delete(host);
    await line?.hangUp();
  }
}
