import type { HostPort, TargetSessionAttrs } from "../config/types.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { codedError, type WithinOptions } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import { areTwo } from "./backend.ts";
import type { Connector, OpenOptions } from "./connector.ts";
import { addressLabel } from "./dial.ts";
import type { HostRefused } from "./events.ts";
import { type History, historyOf, isOlder } from "./history.ts";
import { HostDial, type HostDialOptions, type HostKnowledge } from "./host-dial.ts";
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
  /** All connections lead to the same address, though others may have the role as well. Default: they need not. */
  readonly keepsToOne?: boolean | undefined;
  /** A server that takes writes, too, or has an older history, was left aside; told once for each start of it. */
  readonly onRefused: (refused: HostRefused) => void;
}

/** Where a connection leads. */
export type Whereabouts = Pick<HostConnection, "backend" | "remoteAddress" | "facts">;

export interface SearchOptions extends Omit<OpenOptions, "host" | "onReached"> {
  /** Waits as long as it may for hosts that kept silent the last time. Default: does not. */
  readonly isPatient?: boolean;
  /** Leaves a server that takes writes for one that serves reads only. Default: does not. */
  readonly canFallBack?: boolean;
}

/**
 * The hosts of a target, and which of them we are with. A search asks them for their role and chooses; all other
 * connections are opened to the chosen one. It is kept for as long as it answers and keeps its role.
 */
export class Hosts {
  readonly #deps: HostsDeps;
  readonly #mute = new Set<HostPort>();
  /** Dialled, and not waited for. */
  readonly #lingering = new Set<HostPort>();
  readonly #rivals: Rivals;
  #chosen: Found<HostConnection> | undefined;
  #isAddressKept = true;

  constructor(deps: HostsDeps) {
    this.#deps = deps;
    this.#rivals = new Rivals(deps.onRefused);
  }

  get areSeveral(): boolean {
    return this.#deps.hosts.length > 1;
  }

  /** Whether the server should be the one that takes writes. */
  get isWriterExpected(): boolean {
    return isUnique(this.#deps.wanted);
  }

  /** Whether there is one right server among several: another one is wrong, not just another. */
  get isOneRight(): boolean {
    return this.areSeveral && this.isWriterExpected;
  }

  /**
   * Whether a connection leads to another server than it should, be its role the same. Where it is enough to keep to one,
   * an address is: a balancer behind it cannot be told which server to take.
   */
  isAnother(connection: Whereabouts, ours: Whereabouts): boolean {
    if (!areTwo(connection.backend, ours.backend)) return false;
    return this.isOneRight || (this.#keepsToOne && !isSameAddress(connection, ours));
  }

  /** Whether connections lead where the name leads, unless its answers change as they come. */
  get followsName(): boolean {
    return this.isWriterExpected || this.#keepsToOne;
  }

  /** The next search dials what the name says, and not where the chosen server was. */
  forgetAddress(): void {
    this.#isAddressKept = false;
  }

  get #keepsToOne(): boolean {
    return this.#deps.keepsToOne === true;
  }

  /**
   * A connection to the server that the last search has chosen.
   * Throws the errors of `Connection.open`, with reason MOVED where another server answers there, and READ_ONLY where
   * it does not take writes any more.
   */
  async open(options: Omit<OpenOptions, "host">): Promise<HostConnection> {
    const host = this.#ourHost;
    const connection = await this.#deps.connector.open({ ...options, host, prefer: this.#ourAddress });
    const ours = this.#chosen?.connection;
    if (ours === undefined) return connection;
    const isAnother = this.isAnother(connection, ours);
    const isDemoted = this.isWanted(ours.facts) && !this.isWanted(connection.facts);
    if (!isAnother && !isDemoted) return connection;
    void connection.close();
    const error = isDemoted
      ? codedError("READ_ONLY", "the server accepts no writes")
      : codedError("MOVED", "another server answers there");
    throw connectError(error, addressLabel(host));
  }

  /**
   * A connection to the host that serves best, which is the chosen one from then on.
   * Throws the errors of `Connection.open`, with reason NO_SUITABLE_HOST where none has a role that would do, and
   * OUTDATED_HOST where the only one that takes writes is one that another had replaced.
   */
  async search(options: SearchOptions): Promise<HostConnection> {
    try {
      const found = await (this.areSeveral ? this.#race(options) : this.#ask({ ...options, host: this.#ourHost }));
      this.#chosen = found;
      this.#isAddressKept = true;
      this.#rivals.use(found);
      return found.connection;
    } catch (error) {
      // Another server may be at the address by now, and the name lead to ours.
      if (!options.signal.aborted) this.forgetAddress();
      throw error;
    }
  }

  /** Whether a connection leads to the server that we are with, as far as that can be told. */
  isOurs(connection: Whereabouts): boolean {
    const ours = this.#chosen?.connection;
    if (ours === undefined) return false;
    return ours.backend.server === connection.backend.server || (this.#keepsToOne && isSameAddress(connection, ours));
  }

  /** The hosts that we are not with. */
  others(): HostPort[] {
    const ours = this.#ourHost;
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
   * refused and reported. Throws where it does not tell.
   */
  async challenge(host: HostPort, connection: HostConnection, deadlineAt: number): Promise<DebyError | undefined> {
    const ours = this.#chosen;
    if (ours === undefined || ours.connection.backend.server === connection.backend.server) return undefined;
    const history = await historyOf(connection, deadlineAt);
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
    return (await this.#deps.connector.addresses?.(this.#ourHost, options).catch((): readonly string[] => [])) ?? [];
  }

  /** Where the server is that we are with, or is to be looked for first. */
  get #ourHost(): HostPort {
    return this.#chosen?.host ?? (this.#deps.hosts[0] as HostPort);
  }

  /** Where it is to be kept, whatever the name says meanwhile. */
  get #ourAddress(): string | undefined {
    return this.#keepsToOne && this.#isAddressKept ? this.#chosen?.connection.remoteAddress : undefined;
  }

  async #ask(options: OpenOptions): Promise<Found<HostConnection>> {
    const { connector, wanted } = this.#deps;
    const { host } = options;
    const prefer = host === this.#ourHost ? this.#ourAddress : undefined;
    const connection = await connector.open({ ...options, prefer });
    if (fitnessOf(connection.facts, wanted) === "unfit") {
      void connection.close();
      throw connectError(codedError("NO_SUITABLE_HOST", `the server's role is not ${wanted}`), addressLabel(host));
    }
    try {
      const history = await this.#history(connection, options.deadlineAt);
      const found = { host, connection, history, isSuccessor: this.#rivals.isSuccessor(history) };
      if (!this.#rivals.isOutdated(found)) return found;
      throw codedError("OUTDATED_HOST", "history has gone on without this server");
    } catch (error) {
      void connection.close();
      throw connectError(error, addressLabel(host));
    }
  }

  /** Of a server that takes writes where there should be one that does. */
  async #history(connection: HostConnection, deadlineAt: number): Promise<History | undefined> {
    if (!this.isOneRight || !this.isWanted(connection.facts)) return undefined;
    const { connection: ours, history } = this.#chosen ?? {};
    const isOurs = ours?.backend.server === connection.backend.server;
    return (isOurs ? history : undefined) ?? (await historyOf(connection, deadlineAt));
  }

  /** Dials the hosts side by side until enough is known of them. */
  async #race(options: SearchOptions): Promise<Found<HostConnection>> {
    const { clock, wanted } = this.#deps;
    const ours = this.#ourHost;
    const connection = this.#chosen?.connection;
    const { isPatient = false } = options;
    const canFallBack = options.canFallBack === true || connection === undefined || !this.isWanted(connection.facts);
    const queue = [ours, ...this.others()];
    const dials: HostDial<HostConnection>[] = [];
    let found: Found<HostConnection> | undefined;
    try {
      while (found === undefined) {
        // Another search was faster, and has ended the dials of this one: what has answered by then is no choice.
        if (options.signal.aborted) throw connectError(codedError("ABORT_ERR", "Given up"), addressLabel(ours));
        const remaining = queue.length;
        const step = nextStep({ dials, remaining, now: clock.now(), wanted, isPatient, canFallBack });
        if (step.kind === "wait") await news(clock, dials, step.until);
        else if (step.kind === "dial") dials.push(this.#dial(queue.shift() as HostPort, options));
        else if (step.kind === "fail") throw failure(dials, canFallBack);
        else found = this.#choose(step.best);
      }
      return found;
    } finally {
      for (const dial of dials) if (found === undefined || dial.connection !== found.connection) this.#leave(dial);
    }
  }

  #dial(host: HostPort, options: SearchOptions): HostDial<HostConnection> {
    const dial = ({ signal, onReached }: HostDialOptions): Promise<Found<HostConnection>> =>
      this.#ask({ ...options, host, onReached, signal: AbortSignal.any([options.signal, signal]) });
    return new HostDial(host, dial, this.#knowledge(host));
  }

  /** A dial that nobody waits for any more. From one that is silent so far we want to know whether it stays so. */
  #leave(dial: HostDial<HostConnection>): void {
    const { host } = dial;
    if (dial.wasSilent(this.#deps.clock.now())) this.#mute.add(host);
    if (!dial.isPending || this.#lingering.has(host)) {
      if (dial.hasSpoken) this.#mute.delete(host);
      dial.discard();
      return;
    }
    this.#lingering.add(host);
    void dial.settled.then(() => {
      this.#lingering.delete(host);
      this.#leave(dial);
    });
  }

  #knowledge(host: HostPort): HostKnowledge {
    const { backend } = this.#chosen?.connection ?? {};
    return {
      startedAt: this.#deps.clock.now(),
      isMute: this.#mute.has(host),
      ours: this.#chosen?.host === host ? backend?.server : undefined,
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
function failure(dials: readonly HostDial<HostConnection>[], canFallBack: boolean): DebyError {
  const errors = dials.map(({ error }) => error);
  const hopeful = errors.find((error) => classifyConnectFailure(codeOf(error)) !== "misconfigured");
  // As long as we hold on to our server, what keeps us from that one counts; it is dialled first.
  const cause = canFallBack ? (hopeful ?? errors[0]) : errors[0];
  const each = dials.map(({ host, error }) => `${addressLabel(host)}: ${describeReason(reasonOf(error))}`);
  const { code, reason } = connectError(cause, "");
  return new DebyError(code, `Cannot connect to ${each.join("; ")}`, {
    cause,
    ...(reason === undefined ? {} : { reason }),
  });
}

function isSameAddress(one: Whereabouts, other: Whereabouts): boolean {
  return one.remoteAddress === other.remoteAddress && one.facts.address === other.facts.address;
}
