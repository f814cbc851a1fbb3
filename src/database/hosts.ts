import type { HostPort, TargetSessionAttrs } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { codedError, type WithinOptions } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import type { Connector } from "./connector.ts";
import { addressLabel } from "./dial.ts";
import type { HostRefused } from "./events.ts";
import { HostDial, type HostKnowledge } from "./host-dial.ts";
import { nextStep } from "./host-search.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { LeasedConnection } from "./pool-types.ts";
import { type Found, Rivals } from "./rivals.ts";
import { fitnessOf, hasRole, isUnique } from "./role.ts";
import { classifyConnectFailure, codeOf, connectError, describeReason, reasonOf } from "./sqlstate.ts";

/** A connection that either the pool or the monitor may have. */
export type HostConnection = LeasedConnection & ProbeConnection;

export interface HostsDeps {
  readonly clock: Clock;
  /** At least one. */
  readonly hosts: readonly HostPort[];
  readonly wanted: TargetSessionAttrs;
  readonly connector: Connector;
  /** A server that takes writes, too, was left aside; told once for each start of it. */
  readonly onRefused: (refused: HostRefused) => void;
}

export interface SearchOptions {
  readonly applicationName: string;
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  /** Waits as long as it may for hosts that kept silent the last time. Default: does not. */
  readonly isPatient?: boolean;
}

/**
 * The hosts of a target, and which of them we are with. A search asks them for their role and chooses; all other
 * connections are opened to the chosen one. It is kept for as long as it answers and keeps its role.
 */
export class Hosts {
  readonly #deps: HostsDeps;
  readonly #mute = new Set<HostPort>();
  readonly #rivals: Rivals;
  #chosen: Found<HostConnection> | undefined;
  /** Another server seems to be the right one: the next search asks all of them. */
  #isChallenged = false;
  #isScouting = false;

  constructor(deps: HostsDeps) {
    this.#deps = deps;
    this.#rivals = new Rivals(deps.clock, deps.onRefused);
  }

  get areSeveral(): boolean {
    return this.#deps.hosts.length > 1;
  }

  /**
   * A connection to the server that the last search has chosen.
   * Throws the errors of `Connection.open`, with reason MOVED where another server answers there, and READ_ONLY where
   * it does not take writes any more.
   */
  async open(applicationName: string, deadlineAt: number, signal: AbortSignal): Promise<HostConnection> {
    const { connector, wanted } = this.#deps;
    const { host = this.#first } = this.#chosen ?? {};
    const connection = await connector.open(applicationName, deadlineAt, signal, host);
    const ours = this.#chosen?.connection;
    if (ours === undefined) return connection;
    const isAnother = this.areSeveral && connection.backend.server !== ours.backend.server;
    const isDemoted = hasRole(ours.facts, wanted) && !hasRole(connection.facts, wanted);
    if (!isAnother && !isDemoted) return connection;
    void connection.close();
    const error = isDemoted
      ? codedError("READ_ONLY", "the server accepts no writes")
      : codedError("MOVED", "another server answers there");
    throw connectError(error, addressLabel(host));
  }

  /** A bare TCP connect; of several hosts it would not tell which one is there. */
  async knock(deadlineAt: number, signal: AbortSignal): Promise<void> {
    if (!this.areSeveral) await this.#deps.connector.knock(deadlineAt, signal);
  }

  /**
   * A connection to the host that serves best, which is the chosen one from then on.
   * Throws the errors of `Connection.open`, with reason NO_SUITABLE_HOST where none has a role that would do.
   */
  async search(options: SearchOptions): Promise<HostConnection> {
    const found = await (this.areSeveral ? this.#race(options) : this.#ask(this.#first, options));
    if (options.signal.aborted) {
      // Another search was faster, and ended this one's dials: what has answered by then is no choice.
      void found.connection.close();
      throw connectError(codedError("ABORT_ERR", "Given up"), addressLabel(found.host));
    }
    this.#chosen = found;
    this.#isChallenged = false;
    return found.connection;
  }

  /**
   * Looks at the hosts that we are not with. Returns the error to act on where one of them takes writes and was promoted
   * later than ours; one that was not is refused and reported.
   */
  async scout(options: SearchOptions): Promise<DebyError | undefined> {
    const { wanted, hosts } = this.#deps;
    const ours = this.#chosen;
    if (!this.areSeveral || !isUnique(wanted) || ours === undefined || this.#isScouting) return undefined;
    this.#isScouting = true;
    const found: Found<HostConnection>[] = [];
    const visit = async (some: readonly HostPort[]): Promise<void> => {
      const there = await Promise.all(some.map((host) => this.#visit(host, options)));
      found.unshift(...there.filter((one) => one !== undefined));
    };
    try {
      await visit(hosts.filter((host) => host !== ours.host));
      const isAlone = found.every(({ connection }) => connection.backend.server === ours.connection.backend.server);
      if (isAlone) return undefined;
      await visit([ours.host]);
      const winner = found[0]?.host === ours.host ? await this.#rivals.latest(found) : undefined;
      if (winner === undefined || winner.host === ours.host || this.#chosen !== ours) return undefined;
      this.#isChallenged = true;
      const why = codedError("MOVED", `${winner.connection.facts.address} was promoted later`);
      return connectError(why, addressLabel(ours.host));
    } finally {
      for (const { connection } of found) void connection.close();
      this.#isScouting = false;
    }
  }

  /** The addresses that the name of our host has at the moment; none where nobody tells. */
  async addresses(options: WithinOptions): Promise<readonly string[]> {
    const { host = this.#first } = this.#chosen ?? {};
    return (await this.#deps.connector.addresses?.(host, options).catch((): string[] => [])) ?? [];
  }

  get #first(): HostPort {
    return this.#deps.hosts[0] as HostPort;
  }

  async #ask(host: HostPort, { applicationName, deadlineAt, signal }: SearchOptions): Promise<Found<HostConnection>> {
    const { connector, wanted } = this.#deps;
    const connection = await connector.open(applicationName, deadlineAt, signal, host);
    if (fitnessOf(connection.facts, wanted) !== "unfit") return { host, connection };
    void connection.close();
    throw connectError(codedError("NO_SUITABLE_HOST", `the server's role is not ${wanted}`), addressLabel(host));
  }

  /** Dials the hosts side by side until enough is known of them. */
  async #race(options: SearchOptions): Promise<Found<HostConnection>> {
    const { clock, hosts, wanted } = this.#deps;
    const { isPatient = false } = options;
    const isChallenged = this.#isChallenged;
    const { host: ours = this.#first } = this.#chosen ?? {};
    const queue = [ours, ...hosts.filter((host) => host !== ours)];
    const over = new AbortController();
    const dialOptions = { ...options, signal: AbortSignal.any([options.signal, over.signal]) };
    const dials: HostDial<HostConnection>[] = [];
    let found: Found<HostConnection> | undefined;
    try {
      while (found === undefined) {
        const step = nextStep({ dials, remaining: queue.length, now: clock.now(), wanted, isPatient, isChallenged });
        if (step.kind === "wait") {
          await news(clock, dials, step.until);
        } else if (step.kind === "dial") {
          const host = queue.shift() as HostPort;
          const dialled = this.#ask(host, dialOptions).then(({ connection }) => connection);
          dials.push(new HostDial(host, dialled, this.#knowledge(host)));
        } else if (step.kind === "fail") {
          throw failure(dials);
        } else {
          found = await this.#choose(step.best);
        }
      }
      return found;
    } finally {
      for (const dial of dials) {
        if (dial.wasSilent(clock.now())) this.#mute.add(dial.host);
        else if (dial.hasSpoken) this.#mute.delete(dial.host);
        if (dial.connection === undefined || dial.connection !== found?.connection) dial.discard();
      }
      over.abort();
    }
  }

  #knowledge(host: HostPort): HostKnowledge {
    const { backend } = this.#chosen?.connection ?? {};
    return {
      startedAt: this.#deps.clock.now(),
      isMute: this.#mute.has(host),
      trustedServer: this.#chosen?.host === host && !this.#isChallenged ? backend?.server : undefined,
    };
  }

  /** Of servers that would all do; where there should be only one, the one that was promoted last. */
  async #choose(best: readonly HostDial<HostConnection>[]): Promise<Found<HostConnection> | undefined> {
    const { wanted } = this.#deps;
    const found = best.flatMap(({ host, connection }) => (connection === undefined ? [] : [{ host, connection }]));
    const takesWrites = found[0] !== undefined && hasRole(found[0].connection.facts, wanted);
    return isUnique(wanted) && takesWrites ? await this.#rivals.latest(found) : found[0];
  }

  /** A connection to this host; undefined where the server there is not there, or has not the wanted role. */
  async #visit(host: HostPort, options: SearchOptions): Promise<Found<HostConnection> | undefined> {
    try {
      const found = await this.#ask(host, options);
      this.#mute.delete(host);
      if (hasRole(found.connection.facts, this.#deps.wanted)) return found;
      void found.connection.close();
    } catch (error) {
      if (codeOf(error) === "ETIMEDOUT") this.#mute.add(host);
    }
    return undefined;
  }
}

/** Resolves when a dial has ended, and at that moment at the latest. */
async function news(clock: Clock, dials: readonly HostDial<HostConnection>[], until: number): Promise<void> {
  const over = new AbortController();
  const pending = dials.filter(({ isPending }) => isPending).map(({ settled }) => settled);
  const waits = Number.isFinite(until) ? [...pending, sleep(clock, until - clock.now(), over.signal)] : pending;
  await Promise.race(waits);
  over.abort();
}

/**
 * Why no host would do. Where one host refuses us by name and another is away, waiting may help: the other may be the
 * one that lets us in.
 */
function failure(dials: readonly HostDial<HostConnection>[]): DebyError {
  const errors = dials.map(({ error }) => error);
  const cause = errors.find((error) => classifyConnectFailure(codeOf(error)) !== "misconfigured") ?? errors[0];
  const each = dials.map(({ host, error }) => `${addressLabel(host)}: ${describeReason(reasonOf(error))}`);
  const { code, reason } = connectError(cause, "");
  return new DebyError(code, `Cannot connect to ${each.join("; ")}`, {
    cause,
    ...(reason === undefined ? {} : { reason }),
  });
}
