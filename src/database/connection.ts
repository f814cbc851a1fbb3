import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { DatabaseTarget } from "../config/types.ts";
import { sleep } from "../core/clock.ts";
import type { DeadlineSweep, Sweepable } from "../core/sweep.ts";
import { codedError, within } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { requestCancel } from "./cancel.ts";
import { addressLabel } from "./dial.ts";
import { DriverStatement, handlerOf, requireSendable, textOf } from "./driver-statement.ts";
import type { ServerFacts } from "./events.ts";
import { type Answer, type AnswerListener, asListener, Exchange } from "./exchange.ts";
import { parseFarewell } from "./farewell.ts";
import type { Holder } from "./lease-guard.ts";
import { type LoginOptions, login, type Session } from "./login.ts";
import { connectError, lostError } from "./sqlstate.ts";
import { discard } from "./tls.ts";
import {
  IN_FAILED_TRANSACTION,
  IN_TRANSACTION,
  OUTSIDE_TRANSACTION,
  READY_BYTES,
  transactionStatus,
} from "./transaction-status.ts";

export interface ConnectionOptions extends LoginOptions {
  readonly sweep: DeadlineSweep;
}

/** How long a request to cancel may take; nobody waits for it. */
const CANCEL_LIMIT_MS = 1000;

/**
 * One physical connection, used by one holder at a time: a postgres.js instance over a socket that we dialled, used
 * once. At the first connection error or passed deadline the socket is reset and the instance buried; nothing is ever
 * sent on it again.
 */
export class Connection implements Sweepable {
  readonly facts: ServerFacts;
  readonly backend: Backend;
  /** The IP address that it leads to; undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly openedAt: number;
  /** Set by the pool: when the connection last became idle. */
  idleSince: number;
  /** When a statement on it was last answered. */
  lastAnswerAt: number;
  /** Set by the pool: when it is too old to be used again. */
  expiresAt = Number.POSITIVE_INFINITY;
  /** Set by the pool: since when somebody holds it; Infinity while nobody does. */
  leasedAt = Number.POSITIVE_INFINITY;
  /** Set by whoever holds it. */
  holder: Holder | undefined;
  /** Set by whoever holds it, behind a pooler: the lock that its transaction, and no other, has from now on. */
  markLock: number | undefined;
  /** Grows with everything that arrives. */
  chunksReceived = 0;
  /** Called once, at the first sign that the connection is gone; never for one that we gave up ourselves. */
  onLost: (error: DebyError) => void = () => {};

  readonly #target: DatabaseTarget;
  readonly #session: Session;
  readonly #sql: Session["sql"];
  readonly #exchange: Exchange;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #lost: DebyError | undefined;
  #isClosing = false;
  #isCancellable = true;
  #lastChunk: Buffer | undefined;

  private constructor(target: DatabaseTarget, session: Session, options: ConnectionOptions) {
    const { sql, socket, facts } = session;
    this.#target = target;
    this.#session = session;
    this.#sql = sql;
    this.#socket = socket;
    this.#exchange = new Exchange({
      send: handlerOf(sql),
      socket,
      onRest: () => this.#rest(),
      onLost: (error) => this.#lose(error),
      onUseless: (error) => this.#giveUp(error),
    });
    this.#options = options;
    this.facts = facts;
    this.backend = session.backend;
    this.remoteAddress = socket.remoteAddress;
    this.openedAt = options.clock.now();
    this.idleSince = this.openedAt;
    this.lastAnswerAt = this.openedAt;
    socket.once("error", (error: Error) => this.#lose(error));
    socket.once("close", () => this.#lose(codedError("CONNECTION_CLOSED", "The server closed the connection")));
    // Before the driver, which may end a statement in the course of the same chunk.
    socket.prependListener("data", (chunk: Buffer) => {
      this.chunksReceived += 1;
      // A ReadyForQuery may come in pieces.
      this.#lastChunk = chunk.length < READY_BYTES && this.#lastChunk ? Buffer.concat([this.#lastChunk, chunk]) : chunk;
    });
  }

  /**
   * Dials, authenticates and has one query answered.
   * Throws DATABASE_UNAVAILABLE or DATABASE_MISCONFIGURED, `reason` being the SQLSTATE or the socket's code.
   */
  static async open(target: DatabaseTarget, options: ConnectionOptions): Promise<Connection> {
    try {
      return new Connection(target, await login(target, options), options);
    } catch (error) {
      throw connectError(error, target.hosts.map(addressLabel).join(","));
    }
  }

  /** `TLSv1.3`, or undefined on a plain connection. */
  get tlsProtocol(): string | undefined {
    return this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? "TLS") : undefined;
  }

  get isLost(): boolean {
    return this.#lost !== undefined || this.#isClosing;
  }

  /** Whether a statement of somebody is on its way. */
  get isBusy(): boolean {
    return this.#exchange.isUnderWay;
  }

  /** What still waits to be sent, in bytes: a statement may be so long that this takes a while. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether the server's last word was that a transaction is open, be it a failed one. */
  get isInTransaction(): boolean {
    const status = transactionStatus(this.#lastChunk);
    return status === IN_TRANSACTION || status === IN_FAILED_TRANSACTION;
  }

  /** Whether the server's last word was that no transaction is open. */
  get isOutsideTransaction(): boolean {
    return transactionStatus(this.#lastChunk) === OUTSIDE_TRANSACTION;
  }

  /**
   * Runs one statement that `requireSendable` has passed; its values are always parameters. The listener gets the errors
   * of `sqlstate.ts`, and DEADLINE_EXCEEDED when the deadline passes, which ends the connection.
   */
  start<R>(
    strings: TemplateStringsArray,
    values: readonly unknown[],
    deadlineAt: number,
    listener: AnswerListener<R>,
  ): void {
    this.#isCancellable = true;
    const parameters = values.some(Array.isArray) ? this.#withTypedArrays(values) : values;
    this.#begin<R>(DriverStatement.extended(textOf(strings), parameters, this.#exchange), deadlineAt, listener);
  }

  /** The same as a promise, of any statement. */
  run<R>(strings: TemplateStringsArray, values: readonly unknown[], deadlineAt: number): Promise<Answer<R>> {
    return new Promise((resolve, reject) => {
      requireSendable(strings, values);
      this.start<R>(strings, values, deadlineAt, asListener(resolve, reject));
    });
  }

  /** The driver asks the server for an array's type only where we leave it open. */
  #withTypedArrays(values: readonly unknown[]): unknown[] {
    return values.map((value) => (Array.isArray(value) ? this.#sql.typed(value as never, 0) : value));
  }

  /**
   * Runs what we wrote ourselves, without parameters, in one round trip; of several statements it gives all rows. A COMMIT
   * is not cancelled at its deadline: it could not be undone any more, only made visible before its standby has it.
   */
  control<R = never>(text: string, deadlineAt: number): Promise<Answer<R>> {
    this.#isCancellable = text !== "commit";
    return new Promise((resolve, reject) => {
      this.#begin<R>(DriverStatement.simple(text, this.#exchange), deadlineAt, asListener(resolve, reject));
    });
  }

  /** The polite end of an idle connection. Resolves once the socket is closed, after at most a second. */
  async close(): Promise<void> {
    if (this.isLost) return;
    this.#isClosing = true;
    const { clock } = this.#options;
    try {
      await within<void>({ clock, deadlineAt: clock.now() + 1000 }, (resolve, reject) => {
        this.#socket.once("close", () => resolve());
        this.#sql.end().catch(reject);
      });
    } catch {
      discard(this.#socket);
    }
  }

  /** Gives the connection up by a reset; a statement on its way ends with the code given, its outcome told. */
  destroy(code: "DATABASE_UNAVAILABLE" | "SHUTTING_DOWN", message: string): void {
    if (this.#lost) return;
    const { outcome } = this.#exchange;
    this.#giveUp(new DebyError(code, message, { outcome, reason: "EVICTED", isLostConnection: true }));
  }

  sweep(now: number): boolean {
    if (!this.#exchange.isUnderWay) return false;
    if (this.#exchange.deadlineAt <= now) this.#expire();
    return true;
  }

  #expire(): void {
    this.#isClosing = true;
    const options = { outcome: this.#exchange.outcome, reason: "DEADLINE" };
    const error = new DebyError("DEADLINE_EXCEEDED", "The statement got no answer within its deadline", options);
    // At once, since the driver may be about to send the word to run, and nobody would be told that it has.
    if (!this.#exchange.mayRun) {
      this.#lose(error);
      if (this.#isCancellable && this.backend.isDirect) void this.#cancel();
      return;
    }
    // Whoever waits hears of it first: of many that have the same deadline, each reset and dial would hold up the others.
    const told = sleep(this.#options.clock, 0);
    const cancelled = this.#isCancellable ? told.then(() => this.#cancel()) : told;
    // A pooler knows whom to cancel only as long as the session is there, which nobody uses any more.
    this.#lose(error, this.backend.isDirect ? told : cancelled);
  }

  #begin<R>(statement: DriverStatement, deadlineAt: number, listener: AnswerListener<R>): void {
    if (this.#lost) {
      listener.failed(lostError(this.#lost, false));
      return;
    }
    const { sweep } = this.#options;
    sweep.add(this);
    const since = this.leasedAt === Number.POSITIVE_INFINITY ? 0 : this.leasedAt;
    if (deadlineAt <= Math.max(sweep.now, since)) {
      listener.failed(new DebyError("DEADLINE_EXCEEDED", "The deadline had passed before the statement was sent"));
      return;
    }
    this.#exchange.begin(statement, deadlineAt, listener);
  }

  #rest(): void {
    this.lastAnswerAt = this.#options.clock.now();
  }

  /** The server would run what we have given up on to its end. Best effort: it may be frozen or gone. */
  async #cancel(): Promise<void> {
    const { clock } = this.#options;
    const { hostPort, key } = this.#session;
    const target = { ...this.#target, hosts: [hostPort] };
    const { remoteAddress } = this;
    // The other addresses of the name may be of servers that do not know the session.
    const addressesOf = remoteAddress === undefined ? undefined : async () => [remoteAddress];
    // Not with the dial's signal, which ends with the reason to dial.
    await requestCancel(target, key, { clock, deadlineAt: clock.now() + CANCEL_LIMIT_MS, addressesOf }).catch(() => {});
  }

  #giveUp(error: DebyError): void {
    this.#isClosing = true;
    this.#lose(error);
  }

  /** The socket is reset at once, or after `last`. */
  #lose(error: unknown, last: Promise<void> | undefined = undefined): void {
    if (this.#lost) return;
    const cause = this.#isClosing ? error : (parseFarewell(this.#lastChunk) ?? error);
    this.#lost = error instanceof DebyError ? error : lostError(cause, this.#exchange.mayRun);
    const listener = this.#exchange.end();
    this.#rest();
    if (last === undefined) discard(this.#socket);
    else void last.then(() => discard(this.#socket));
    // The pool first: it stops to hand out and to open before the statement's owner gives its connection back.
    if (!this.#isClosing) this.onLost(this.#lost);
    listener?.failed(this.#lost);
  }
}
