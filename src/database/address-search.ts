import type { DatabaseTarget } from "../config/types.ts";
import { codedError } from "../core/within.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { addressesOf, addressLabel, type DialOptions } from "./dial.ts";
import { fitnessOf } from "./role.ts";
import { classifyConnectFailure, codeOf, connectError } from "./sqlstate.ts";

/** For each further address once one has answered, in milliseconds: on a busy machine a login takes its time. */
const FURTHER_LIMIT_MS = 1000;
/** After all were asked in vain: whoever looks every 50 ms for a promotion is not to dial all of them each time. */
const FUTILE_PAUSE_MS = 250;
/** After so long without an answer, or so many times the last good login, others are asked first; it may still come. */
const SILENT_AFTER_MS = 500;
const SILENT_AFTER_LOGINS = 10;
/** For so long an address that kept silent is not asked again after another has answered. */
const SILENT_PAUSE_MS = 2000;

/** What an address was of no use for, the better first: one that answers is better than one that lets nobody in. */
const USELESS = ["of another role", "closed", "silent"] as const;

interface Note {
  readonly why: (typeof USELESS)[number];
  readonly at: number;
}

interface Opened {
  readonly connection: Connection;
  readonly isWanted: boolean;
  readonly address: string | undefined;
}

export interface AddressSearchOptions extends ConnectionOptions {
  /** The address that is dialled first, unless it was of no use. */
  readonly prefer?: string | undefined;
}

/**
 * Looks for the wanted role among the addresses of one name, as libpq does. What was of no use the last time is dialled
 * last: a primary that was found once costs one dial from then on, and an address that lets nobody in blocks nobody.
 */
export class AddressSearch {
  /** The latest one last. */
  readonly #useless = new Map<string, Note>();
  /** Where the wanted role was found last. */
  #found: string | undefined;
  #futileAt = Number.NEGATIVE_INFINITY;
  #lastLoginMs = 0;

  /**
   * A connection to the first address whose server has the wanted role; where none has, to the first that answered.
   * The addresses after that one are tried in turn. Throws the errors of `Connection.open`.
   */
  async open(target: DatabaseTarget, { prefer, ...options }: AddressSearchOptions): Promise<Connection> {
    const ask = options.addressesOf ?? addressesOf;
    let all: readonly string[] = [];
    const inOrder: DialOptions["addressesOf"] = async (host, within) => {
      all = this.#ordered(await ask(host, within), prefer);
      return all;
    };
    const first = await this.#open(target, { ...options, addressesOf: inOrder });
    if (first.isWanted) return first.connection;
    const better = await this.#findBetter(
      target,
      options,
      all.filter((address) => address !== first.address),
    );
    if (better !== undefined || options.signal?.aborted) void first.connection.close();
    if (better !== undefined) return better;
    const label = target.hosts.map(addressLabel).join(",");
    if (options.signal?.aborted) throw connectError(codedError("ABORT_ERR", "Given up"), label);
    if (!first.connection.isLost) return first.connection;
    throw connectError(codedError("CONNECTION_CLOSED", "The server closed the connection at once"), label);
  }

  async #findBetter(
    target: DatabaseTarget,
    options: ConnectionOptions,
    addresses: readonly string[],
  ): Promise<Connection | undefined> {
    const { clock, signal } = options;
    if (clock.now() - this.#futileAt < FUTILE_PAUSE_MS) return undefined;
    for (const address of addresses) {
      if (signal?.aborted) return undefined;
      if (this.#isSilent(address, clock.now())) continue;
      const deadlineAt = Math.min(options.deadlineAt, clock.now() + FURTHER_LIMIT_MS);
      // There is one that answers: why another does not is nobody's business.
      const further = { ...options, deadlineAt, addressesOf: async () => [address] };
      const opened = await this.#open(target, further, address).catch(() => undefined);
      if (opened?.isWanted) return opened.connection;
      void opened?.connection.close();
    }
    this.#futileAt = clock.now();
    return undefined;
  }

  /** `only` is the address where there is no other to be dialled. */
  async #open(target: DatabaseTarget, options: ConnectionOptions, only?: string): Promise<Opened> {
    const { clock } = options;
    let address: string | undefined;
    const onReached = (reached: string): void => {
      address = reached;
      options.onReached?.(reached);
    };
    const silentAfterMs = Math.max(SILENT_AFTER_MS, SILENT_AFTER_LOGINS * this.#lastLoginMs);
    const silence = clock.after(silentAfterMs, () => this.#note(address ?? only, { why: "silent", at: clock.now() }));
    try {
      const connection = await Connection.open(target, { ...options, onReached });
      const isWanted = fitnessOf(connection.facts, target.targetSessionAttrs) === "wanted";
      if (isWanted) this.#found = address;
      this.#lastLoginMs = connection.facts.connectMs;
      this.#note(address, isWanted ? undefined : { why: "of another role", at: clock.now() });
      return { connection, isWanted, address };
    } catch (error) {
      // The right server that is full, or refuses us by name, is still the right one.
      const isStillRight = address === this.#found && isRefusal(codeOf(error));
      const why = codeOf(error) === "ETIMEDOUT" ? "silent" : "closed";
      if (!options.signal?.aborted && !isStillRight) this.#note(address ?? only, { why, at: clock.now() });
      throw error;
    } finally {
      silence.cancel();
    }
  }

  #note(address: string | undefined, note: Note | undefined): void {
    if (address === undefined) return;
    this.#useless.delete(address);
    if (note !== undefined) this.#useless.set(address, note);
  }

  #isSilent(address: string, now: number): boolean {
    const note = this.#useless.get(address);
    return note?.why === "silent" && now - note.at < SILENT_PAUSE_MS;
  }

  #ordered(addresses: readonly string[], prefer: string | undefined): string[] {
    const notedAs = (wanted: Note["why"]): string[] =>
      [...this.#useless].flatMap(([address, { why }]) =>
        why === wanted && addresses.includes(address) ? [address] : [],
      );
    const known = prefer === undefined ? addresses : [...new Set([prefer, ...addresses])];
    return [...known.filter((address) => !this.#useless.has(address)), ...USELESS.flatMap(notedAs)];
  }
}

/** Whether a server at work has said no; one that starts may have lost its role by the end of that. */
function isRefusal(code: string): boolean {
  return code !== "57P03" && classifyConnectFailure(code) !== "lost";
}
