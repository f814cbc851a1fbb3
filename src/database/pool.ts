import { sleep } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import { EMPTY_POOL } from "./circuit.ts";
import { Opener } from "./opener.ts";
import type { PoolDeps, PooledConnection, PoolMode, PoolStats } from "./pool-types.ts";
import { shuttingDown, type Waiter, Waiters } from "./waiters.ts";

/** A connection's lifetime is shortened by up to this part, so that they do not all end together. */
const LIFETIME_JITTER = 0.1;
/** How long it may take until a leased connection is heard of, and how often it is looked, in milliseconds. */
const VOUCH_LIMIT_MS = 500;
const VOUCH_LOOK_MS = 10;
/** For so long after it was opened, in milliseconds, the first connection has the server to itself for its first answer. */
const FIRST_ANSWER_MS = 50;
/** How long an idle connection may take to prove itself. */
const PROOF_LIMIT_MS = 2000;

/**
 * Connections of one server, each leased to one holder at a time. Invariants, at every moment outside a method:
 * `all.size + opener.opening + closing.size <= max`; `idle` is a subset of `all`; in the mode `running`, while somebody waits, there
 * is no idle one.
 */
export class Pool<C extends PooledConnection> {
  readonly #deps: PoolDeps<C>;
  readonly #all = new Set<C>();
  // Last in, first out: what is not needed grows old at the bottom and is closed there.
  readonly #idle: C[] = [];
  readonly #waiters: Waiters<C>;
  readonly #opener: Opener<C>;
  readonly #closing = new Set<Promise<void>>();
  #generation = 1;
  #mode: PoolMode = "paused";
  #provingSince = 0;
  /** Nobody gets a connection any more. */
  #isClosed = false;
  /** Those that were held when the end began, as long as they are; undefined before. */
  #inFlight: Set<C> | undefined;
  #onAllReleased: () => void = () => {};

  constructor(deps: PoolDeps<C>) {
    this.#deps = deps;
    this.#waiters = new Waiters(deps.sweep, deps.expiredError);
    this.#opener = new Opener({
      ...deps,
      connectTimeoutMs: deps.settings.connectTimeoutMs,
      onOpened: (connection) => this.add(connection),
      onFailed: (error) => deps.onTrouble(error),
      onMayOpen: () => this.fill(),
      discard: (connection) => connection.destroy("DATABASE_UNAVAILABLE", "The connection came too late"),
    });
  }

  /** An idle connection at once, or undefined. */
  tryAcquire(now: number): C | undefined {
    if (this.#mode !== "running" && this.#mode !== "not-opening") return undefined;
    const connection = this.#idle.pop();
    if (connection !== undefined) connection.leasedAt = now;
    return connection;
  }

  /**
   * Waits for a connection from `now` on, first come, first served.
   * Throws `expiredError` at the deadline, ABORTED when the caller leaves, SHUTTING_DOWN once nobody is served any more.
   */
  acquire(deadline: Deadline, now: number): Promise<C> {
    const waiting = this.#waiters.wait(deadline, now + this.#deps.settings.acquireTimeoutMs);
    this.#attend();
    return waiting;
  }

  /** The same for a waiter that is none of a promise's; it may be served or refused before this returns. */
  enqueue(waiter: Waiter<C>, deadline: Deadline, now: number): void {
    this.#waiters.add(waiter, deadline, now + this.#deps.settings.acquireTimeoutMs);
    this.#attend();
  }

  /** Gives a leased connection back. */
  release(connection: C): void {
    connection.leasedAt = Number.POSITIVE_INFINITY;
    connection.holder = undefined;
    if (this.#all.has(connection)) {
      const isOver = connection.isLost || connection.isBusy || connection.isInTransaction;
      // Whatever it did last has just been answered.
      const now = connection.lastAnswerAt;
      if (isOver || this.#isTooOld(connection, now)) {
        this.evict(connection);
      } else {
        connection.idleSince = now;
        this.#offer(connection, now);
      }
    }
    if (this.#all.size === 1) this.fill();
    if (this.#inFlight?.delete(connection) || this.#isClosed) this.#endIfOver();
  }

  /** Takes a connection out for good: politely if it rests, by a reset if a statement is on its way. */
  evict(connection: C): void {
    if (!this.#remove(connection)) return;
    if (connection.isBusy || connection.isLost) {
      connection.destroy("DATABASE_UNAVAILABLE", "The connection was evicted");
    } else {
      const closed = connection.close().finally(() => {
        this.#closing.delete(closed);
        this.fill();
      });
      this.#closing.add(closed);
    }
    // Nobody can be served any more, and nothing else is going to tell.
    if (this.#mode === "not-opening" && this.#all.size === 0) this.#deps.onTrouble(emptyPoolError());
    this.fill();
  }

  /**
   * - `running`: leases and opens.
   * - `not-opening`: leases; the server refuses new connections, so that trying would only be one more failed login.
   * - `proving`: leases only what has answered since; others are asked first. Opens nothing.
   * - `paused`: leases and opens nothing, whoever comes waits.
   */
  setMode(mode: PoolMode): void {
    if (this.#isClosed) return;
    if (mode === "proving" && this.#mode !== "proving") this.#provingSince = this.#deps.clock.now();
    this.#mode = mode;
    this.#offerIdle();
    this.fill();
  }

  /** Pauses and resets every connection; statements on their way end with `code`. */
  startGeneration(code: "DATABASE_UNAVAILABLE" | "SHUTTING_DOWN", message: string): void {
    this.#mode = "paused";
    this.#generation += 1;
    this.#opener.reset();
    const everything = [...this.#all];
    this.#all.clear();
    this.#idle.length = 0;
    for (const connection of everything) connection.destroy(code, message);
  }

  /** Gives up all connections that lead to a wrong server: what they do there does not count any more. */
  evictAll(isWrong: (connection: C) => boolean): void {
    this.#opener.reset();
    for (const connection of [...this.#all]) {
      if (!isWrong(connection)) continue;
      this.#remove(connection);
      connection.destroy("DATABASE_UNAVAILABLE", "The connection was given up, another server is used now");
    }
    this.fill();
  }

  /** Closes the connections that lead to none of these addresses, each when it is free; returns where they lead. */
  retireOthers(addresses: ReadonlySet<string>): string[] {
    const retired = new Set<string>();
    for (const connection of [...this.#all]) {
      const { remoteAddress: address, leasedAt } = connection;
      if (address === undefined || addresses.has(address)) continue;
      retired.add(address);
      if (leasedAt === Number.POSITIVE_INFINITY) this.evict(connection);
      else connection.expiresAt = 0;
    }
    return [...retired];
  }

  /** Sends all waiters away; returns how many there were. */
  rejectWaiters(makeError: () => DebyError): number {
    return this.#waiters.rejectAll(makeError);
  }

  /** Opens what is missing: up to `min` in rest, one for each waiter, never above `max`, at most four at once, in the beginning fewer. */
  fill(): void {
    const { poolMin, poolMax } = this.#deps.settings;
    if (this.#mode !== "running" || this.#isClosed) return;
    const waitMs = this.#all.size === 1 ? this.#firstAnswerMs() : 0;
    if (waitMs > 0) {
      this.#opener.wakeIn(waitMs);
      return;
    }
    for (;;) {
      const { opening } = this.#opener;
      const total = this.#all.size + opening;
      const isWanted = this.#waiters.size > opening || total < poolMin;
      if (!isWanted || total + this.#closing.size >= poolMax || !this.#opener.canOpen(this.#all.size)) return;
      this.#opener.start();
    }
  }

  /**
   * How long the only connection may be waited for. On a server that is just back, which has no process and nothing in its
   * caches yet, logins beside it would take more time from the first answer than they save the others.
   */
  #firstAnswerMs(): number {
    const [first] = this.#all;
    if (first === undefined || first.leasedAt === Number.POSITIVE_INFINITY || first.lastAnswerAt > first.openedAt)
      return 0;
    return first.openedAt + FIRST_ANSWER_MS - this.#deps.clock.now();
  }

  /** Evicts what rested too long or lived too long, and refills; the housekeeper calls it. */
  tidy(): void {
    const { settings, clock } = this.#deps;
    const now = clock.now();
    for (const connection of [...this.#idle]) {
      const isSuperfluous = this.#all.size > settings.poolMin && now - connection.idleSince >= settings.idleTimeoutMs;
      if ((isSuperfluous && this.#mode !== "not-opening") || this.#isTooOld(connection, now)) this.evict(connection);
    }
    this.fill();
  }

  /** All of them, whether somebody holds them or not. */
  connections(): Iterable<C> {
    return this.#all;
  }

  /** Those that somebody holds. */
  leased(): C[] {
    return [...this.#all].filter((connection) => connection.leasedAt !== Number.POSITIVE_INFINITY);
  }

  /** Whether it has a connection that is not known to be lost. */
  get isAlive(): boolean {
    return this.#all.size > 0;
  }

  /** Gives up connections that are on their way since this moment or longer, and opens others. */
  renewOpenings(startedBy: number): void {
    this.#opener.giveUp(startedBy);
    this.fill();
  }

  /** How many connections are on their way. */
  get opening(): number {
    return this.#opener.opening;
  }

  /** Whether any connection answers by the deadline: two idle ones are asked, leased ones vouch by what they answer. */
  async answers(deadlineAt: number): Promise<boolean> {
    const { clock } = this.#deps;
    const since = clock.now();
    const asked = this.#idle.splice(-2).map((connection) => this.#prove(connection, deadlineAt));
    const isAnswered = Promise.any(asked.map((answer) => answer.then((isGood) => isGood || Promise.reject())));
    if (await isAnswered.catch(() => false)) return true;
    const limitAt = Math.min(deadlineAt, since + VOUCH_LIMIT_MS);
    while (this.#all.size > 0) {
      if ([...this.#all].some((connection) => connection.lastAnswerAt > since)) return true;
      if (clock.now() >= limitAt) return false;
      await sleep(clock, VOUCH_LOOK_MS);
    }
    return false;
  }

  /** How many wait for a connection. */
  get waiting(): number {
    return this.#waiters.size;
  }

  stats(): PoolStats {
    const { poolMax, poolMin } = this.#deps.settings;
    const total = this.#all.size;
    const idle = this.#idle.length;
    return {
      total,
      idle,
      active: total - idle,
      opening: this.#opener.opening,
      waiting: this.#waiters.size,
      max: poolMax,
      min: poolMin,
      generation: this.#generation,
    };
  }

  /** `total=10 idle=0 active=10 opening=0 waiting=37`, for error messages. */
  figures(): string {
    const { total, idle, active, opening, waiting } = this.stats();
    return `total=${total} idle=${idle} active=${active} opening=${opening} waiting=${waiting}`;
  }

  /**
   * Ends it. As long as those who hold a connection at this moment do, all goes on as before: what they do may need another
   * one. From then on nobody gets one any more. What is still there at the deadline is reset, with no time for a polite end.
   */
  async close(deadlineAt: number): Promise<void> {
    const { clock } = this.#deps;
    const { promise: allReleased, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(deadlineAt - clock.now(), resolve);
    this.#onAllReleased = resolve;
    this.#inFlight = new Set(this.leased());
    this.#endIfOver();
    await allReleased;
    timer.cancel();
    this.#isClosed = true;
    this.rejectWaiters(shuttingDown);
    this.startGeneration("SHUTTING_DOWN", "The server shut down before the statement was answered");
    await Promise.all(this.#closing);
  }

  #endIfOver(): void {
    if (this.#inFlight === undefined || this.#inFlight.size > 0) return;
    this.#stopLeasing();
    if (this.leased().length === 0) this.#onAllReleased();
  }

  #stopLeasing(): void {
    this.#isClosed = true;
    this.#opener.reset();
    this.rejectWaiters(shuttingDown);
    for (const connection of [...this.#idle]) this.evict(connection);
  }

  /** Takes in an open connection that nobody holds. */
  add(connection: C): void {
    const { settings, random, onOpened } = this.#deps;
    if (connection.isLost) return;
    connection.expiresAt = connection.openedAt + settings.maxLifetimeMs * (1 - LIFETIME_JITTER * random());
    this.#all.add(connection);
    connection.onLost = (error) => this.#lose(connection, error);
    onOpened(connection);
    this.#offer(connection, this.#deps.clock.now());
    this.fill();
  }

  #remove(connection: C): boolean {
    const position = this.#idle.indexOf(connection);
    if (position >= 0) this.#idle.splice(position, 1);
    return this.#all.delete(connection);
  }

  /** While the server refuses new connections, an old one is better than none. */
  #isTooOld(connection: C, now: number): boolean {
    return connection.expiresAt <= now && this.#mode !== "not-opening";
  }

  #lose(connection: C, error: DebyError): void {
    if (!this.#all.has(connection)) return;
    // Whoever is told first decides whether the pool may go on; only then is the place filled again.
    this.#deps.onTrouble(error);
    this.evict(connection);
  }

  /** Somebody has come to wait. */
  #attend(): void {
    if (this.#isClosed) this.rejectWaiters(shuttingDown);
    this.#offerIdle();
    this.fill();
  }

  /** Idle connections for those who wait, as far as the mode allows. */
  #offerIdle(): void {
    if (this.#mode === "paused") return;
    for (let wanted = Math.min(this.#waiters.size, this.#idle.length); wanted > 0; wanted -= 1) {
      const connection = this.#idle.pop();
      if (connection) this.#offer(connection, this.#deps.clock.now());
    }
  }

  /** Gives a connection that nobody holds to the oldest waiter, once it has proven itself if need be. */
  #offer(connection: C, now: number): void {
    if (this.#isClosed) {
      this.evict(connection);
    } else if (this.#waiters.size === 0 || this.#mode === "paused") {
      this.#idle.push(connection);
    } else if (this.#mode === "proving" && connection.lastAnswerAt <= this.#provingSince) {
      void this.#prove(connection, now + PROOF_LIMIT_MS);
    } else {
      connection.leasedAt = now;
      if (this.#waiters.serve(connection, now)) return;
      connection.leasedAt = Number.POSITIVE_INFINITY;
      this.#idle.push(connection);
    }
  }

  /** Asks a connection that nobody holds, and offers it again if it answers. */
  async #prove(connection: C, deadlineAt: number): Promise<boolean> {
    try {
      await connection.control("select 1", deadlineAt);
      if (this.#all.has(connection)) this.#offer(connection, this.#deps.clock.now());
      return true;
    } catch {
      this.evict(connection);
      return false;
    }
  }
}

function emptyPoolError(): DebyError {
  const message = "The last connection is gone, and the server refuses new ones";
  return new DebyError("DATABASE_UNAVAILABLE", message, { reason: EMPTY_POOL });
}
