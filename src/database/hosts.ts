import type { HostPort, TargetSessionAttrs } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { codedError, type WithinOptions } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import type { Connector, OpenOptions } from "./connector.ts";
import { addressLabel } from "./dial.ts";
import type { HostRefused } from "./events.ts";
import { type History, historyOf, isOlder } from "./history.ts";
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
  /** A server that takes writes, too, or has an older history, was left aside; told once for each start of it. */
  readonly onRefused: (refused: HostRefused) => void;
}

export interface SearchOptions extends Omit<OpenOptions, "host" | "onReached"> {
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

  constructor(deps: HostsDeps) {
    this.#deps = deps;
    this.#rivals = new Rivals(deps.onRefused);
  }

  get areSeveral(): boolean {
    return this.#deps.hosts.length > 1;
  }

  /**
   * A connection to the server that the last search has chosen.
   * Throws the errors of `Connection.open`, with reason MOVED where another server answers there, and READ_ONLY where
   * it does not take writes any more.
   */
  async open(options: Omit<OpenOptions, "host">): Promise<HostConnection> {
    const { connector, wanted } = this.#deps;
    const { host = this.#first } = this.#chosen ?? {};
    const connection = await connector.open({ ...options, host });
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
   * Throws the errors of `Connection.open`, with reason NO_SUITABLE_HOST where none has a role that would do, and
   * OUTDATED_HOST where the only one that takes writes is one that another had replaced.
   */
  async search(options: SearchOptions): Promise<HostConnection> {
    const found = await (this.areSeveral ? this.#race(options) : this.#ask({ ...options, host: this.#first }));
    this.#chosen = found;
    this.#rivals.use(found);
    return found.connection;
  }

  /** The hosts that we are not with. */
  others(): HostPort[] {
    const { host: ours = this.#first } = this.#chosen ?? {};
    return this.#deps.hosts.filter((host) => host !== ours);
  }

  isWanted(role: Parameters<typeof hasRole>[0]): boolean {
    return hasRole(role, this.#deps.wanted);
  }

  /** A connection to the server at a host that we are not with, whatever it is. */
  async visit(options: OpenOptions): Promise<HostConnection> {
    const { host } = options;
    try {
      const connection = await this.#deps.connector.open(options);
      this.#mute.delete(host);
      return connection;
    } catch (error) {
      if (codeOf(error) === "ETIMEDOUT") this.#mute.add(host);
      throw error;
    }
  }

  /**
   * Another server takes writes. Returns the error to act on where it was promoted later than ours; otherwise it is
   * refused and reported.
   */
  async challenge(host: HostPort, connection: HostConnection): Promise<DebyError | undefined> {
    const ours = this.#chosen;
    if (ours === undefined || ours.connection.backend.server === connection.backend.server) return undefined;
    const history = await historyOf(connection, this.#deps.clock.now());
    if (this.#chosen !== ours || !this.isWanted(ours.connection.facts)) return undefined;
    const found = { host, connection, history, isSuccessor: isOlder(ours.history, history) };
    if (!found.isSuccessor) {
      this.#rivals.refuse(found);
      return undefined;
    }
    // From now on ours is outdated, even if the other should be gone when we look for it.
    this.#rivals.use(found);
    return connectError(codedError("MOVED", `${addressLabel(host)} was promoted later`), addressLabel(ours.host));
  }

  /** The addresses that the name of our host has at the moment; none where nobody tells. */
  async addresses(options: WithinOptions): Promise<readonly string[]> {
    const { host = this.#first } = this.#chosen ?? {};
    return (await this.#deps.connector.addresses?.(host, options).catch((): string[] => [])) ?? [];
  }

  get #first(): HostPort {
    return this.#deps.hosts[0] as HostPort;
  }

  async #ask(options: OpenOptions): Promise<Found<HostConnection>> {
    const { connector, wanted } = this.#deps;
    const { host } = options;
    const connection = await connector.open(options);
    if (fitnessOf(connection.facts, wanted) === "unfit") {
      void connection.close();
      throw connectError(codedError("NO_SUITABLE_HOST", `the server's role is not ${wanted}`), addressLabel(host));
    }
    const history = await this.#history(connection);
    const found = { host, connection, history, isSuccessor: this.#rivals.isSuccessor(history) };
    if (!this.#rivals.isOutdated(found)) return found;
    void connection.close();
    throw connectError(codedError("OUTDATED_HOST", "history has gone on without this server"), addressLabel(host));
  }

  /** Of a server that takes writes where there should be one that does. */
  async #history(connection: HostConnection): Promise<History | undefined> {
    if (!this.areSeveral || !isUnique(this.#deps.wanted) || !this.isWanted(connection.facts)) return undefined;
    const { connection: ours, history } = this.#chosen ?? {};
    const isOurs = ours?.backend.server === connection.backend.server;
    return (isOurs ? history : undefined) ?? (await historyOf(connection, this.#deps.clock.now()));
  }

  /** Dials the hosts side by side until enough is known of them. */
  async #race(options: SearchOptions): Promise<Found<HostConnection>> {
    const { clock, hosts, wanted } = this.#deps;
    const { isPatient = false } = options;
    const { host: ours = this.#first } = this.#chosen ?? {};
    const queue = [ours, ...hosts.filter((host) => host !== ours)];
    const over = new AbortController();
    const dialOptions = { ...options, signal: AbortSignal.any([options.signal, over.signal]) };
    const dials: HostDial<HostConnection>[] = [];
    let found: Found<HostConnection> | undefined;
    try {
      while (found === undefined) {
        // Another search was faster, and has ended the dials of this one: what has answered by then is no choice.
        if (options.signal.aborted) throw connectError(codedError("ABORT_ERR", "Given up"), addressLabel(ours));
        const step = nextStep({ dials, remaining: queue.length, now: clock.now(), wanted, isPatient });
        if (step.kind === "wait") {
          await news(clock, dials, step.until);
        } else if (step.kind === "dial") {
          const host = queue.shift() as HostPort;
          dials.push(
            new HostDial(host, (onReached) => this.#ask({ ...dialOptions, host, onReached }), this.#knowledge(host)),
          );
        } else if (step.kind === "fail") {
          throw failure(dials);
        } else {
          found = this.#choose(step.best);
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
      trustedServer: this.#chosen?.host === host ? backend?.server : undefined,
    };
  }

  /** Of servers that would all do; where there should be only one, the one that was promoted last. */
  #choose(best: readonly HostDial<HostConnection>[]): Found<HostConnection> | undefined {
    const found = best.map((dial) => dial.found).filter((one) => one !== undefined);
    return found[0]?.history === undefined ? found[0] : this.#rivals.latest(found);
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
