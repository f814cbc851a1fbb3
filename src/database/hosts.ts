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
import { fitnessOf, hasRole, isUnique } from "./role.ts";
import { classifyConnectFailure, codeOf, connectError, describeReason, reasonOf } from "./sqlstate.ts";
import { timelineOf } from "./timeline.ts";

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

/** A host, and a connection to the server there. */
interface Found {
  readonly host: HostPort;
  readonly connection: HostConnection;
}

export interface SearchOptions {
  readonly applicationName: string;
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  /** Waits as long as it may for hosts that kept silent the last time. Default: does not. */
  readonly isPatient?: boolean;
}

/** A server that takes writes as well as ours. */
interface Rival {
  readonly server: string;
  readonly address: string;
  readonly timeline: number;
}

/**
 * The hosts of a target, and which of them we are with. A search asks them for their role and chooses; all other
 * connections are opened to the chosen one. It is kept for as long as it answers and keeps its role.
 */
export class Hosts {
  readonly #deps: HostsDeps;
  readonly #mute = new Set<HostPort>();
  readonly #refused = new Set<string>();
  #chosen: Found | undefined;
  /** Another server seems to be the right one: the next search asks all of them. */
  #isChallenged = false;
  #isScouting = false;

  constructor(deps: HostsDeps) {
    this.#deps = deps;
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
    this.#chosen = found;
    this.#isChallenged = false;
    return found.connection;
  }

  /**
   * Looks at the hosts that we are not with. Returns the error to act on where one of them takes writes and was promoted
   * later than ours; one that was not is refused and reported.
   */
  async scout(ours: ProbeConnection, options: SearchOptions): Promise<DebyError | undefined> {
    const { wanted, hosts, clock } = this.#deps;
    const chosen = this.#chosen;
    if (!this.areSeveral || !isUnique(wanted) || chosen === undefined || this.#isScouting) return undefined;
    this.#isScouting = true;
    try {
      const others = hosts.filter((host) => host !== chosen.host);
      const found = await Promise.all(others.map((host) => this.#rivalAt(host, chosen, options)));
      const rivals = found.filter((rival) => rival !== undefined);
      if (rivals.length === 0 || this.#chosen !== chosen) return undefined;
      const own = { address: ours.facts.address, timeline: await timelineOf(ours, clock.now()) };
      const later = rivals.find(({ timeline }) => timeline > own.timeline);
      if (later === undefined) {
        for (const rival of rivals) this.#refuse(rival, own);
        return undefined;
      }
      this.#isChallenged = true;
      return connectError(codedError("MOVED", `${later.address} was promoted later`), own.address);
    } finally {
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

  async #ask(host: HostPort, { applicationName, deadlineAt, signal }: SearchOptions): Promise<Found> {
    const { connector, wanted } = this.#deps;
    const connection = await connector.open(applicationName, deadlineAt, signal, host);
    if (fitnessOf(connection.facts, wanted) !== "unfit") return { host, connection };
    void connection.close();
    throw connectError(codedError("NO_SUITABLE_HOST", `the server's role is not ${wanted}`), addressLabel(host));
  }

  /** Dials the hosts side by side until enough is known of them. */
  async #race(options: SearchOptions): Promise<Found> {
    const { clock, hosts, wanted } = this.#deps;
    const { isPatient = false } = options;
    const { host: ours = this.#first } = this.#chosen ?? {};
    const queue = [ours, ...hosts.filter((host) => host !== ours)];
    const over = new AbortController();
    const dialOptions = { ...options, signal: AbortSignal.any([options.signal, over.signal]) };
    const dials: HostDial<HostConnection>[] = [];
    let found: Found | undefined;
    try {
      while (found === undefined) {
        const step = nextStep({ dials, remaining: queue.length, now: clock.now(), wanted, isPatient });
        if (step.kind === "wait") {
          await news(clock, dials, step.until);
        } else if (step.kind === "dial") {
          const host = queue.shift() as HostPort;
          const dialled = this.#ask(host, dialOptions).then(({ connection }) => connection);
          dials.push(new HostDial(host, dialled, this.#knowledge(host)));
        } else if (step.kind === "fail") {
          throw failure(dials);
        } else {
          found = await this.#latest(step.best);
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
  async #latest(best: readonly HostDial<HostConnection>[]): Promise<Found | undefined> {
    const { clock, wanted } = this.#deps;
    const found = best.flatMap(({ host, connection }) => (connection === undefined ? [] : [{ host, connection }]));
    const [first] = found;
    const servers = new Set(found.map(({ connection }) => connection.backend.server));
    if (first === undefined || servers.size < 2 || !isUnique(wanted) || !hasRole(first.connection.facts, wanted))
      return first;
    const rivals = await Promise.all(
      found.map(async (one) => ({ ...one, ...rivalOf(one, await timelineOf(one.connection, clock.now())) })),
    );
    // The first of equals: ours is dialled first.
    const winner = rivals.reduce((highest, rival) => (rival.timeline > highest.timeline ? rival : highest));
    for (const rival of rivals) if (rival.server !== winner.server) this.#refuse(rival, winner);
    return winner;
  }

  /** Another server at this host that takes writes, too. */
  async #rivalAt(host: HostPort, chosen: Found, options: SearchOptions): Promise<Rival | undefined> {
    const { clock, connector, wanted } = this.#deps;
    const { applicationName, deadlineAt, signal } = options;
    try {
      const connection = await connector.open(applicationName, deadlineAt, signal, host);
      this.#mute.delete(host);
      const isRival =
        hasRole(connection.facts, wanted) && connection.backend.server !== chosen.connection.backend.server;
      const timeline = isRival ? await timelineOf(connection, clock.now()) : 0;
      void connection.close();
      return isRival ? rivalOf({ host, connection }, timeline) : undefined;
    } catch (error) {
      if (codeOf(error) === "ETIMEDOUT") this.#mute.add(host);
      return undefined;
    }
  }

  #refuse({ server, address, timeline }: Rival, used: Pick<Rival, "address" | "timeline">): void {
    if (this.#refused.has(server)) return;
    this.#refused.add(server);
    this.#deps.onRefused({ address, timeline, used: used.address, usedTimeline: used.timeline });
  }
}

function rivalOf({ connection }: Found, timeline: number): Rival {
  return { server: connection.backend.server, address: connection.facts.address, timeline };
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
