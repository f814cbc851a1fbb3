import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { DebyError, type Outcome } from "../errors.ts";
import type { DriverHandler, DriverListener, DriverResult, DriverStatement } from "./driver-statement.ts";
import { isToldByServer, statementError } from "./sqlstate.ts";

/** What the server answered: rows, and the command tag such as `INSERT` or `COMMIT`. */
export interface Answer<R> {
  readonly rows: R[];
  readonly command: string;
}

/** Who is told what became of a statement: once, and not before `start` has returned unless it could not be sent. */
export interface AnswerListener<R> {
  answered(rows: R[], command: string): void;
  failed(error: unknown): void;
}

export interface ExchangeDeps {
  readonly send: DriverHandler;
  readonly socket: Pick<Socket, "bytesWritten">;
  /** The server has answered and is ready for another statement; before the listener hears of it. */
  readonly onRest: () => void;
  /** The connection is gone; it is to `end` what is under way. */
  readonly onLost: (error: unknown) => void;
  /** The same for one that stands, and is of no more use. */
  readonly onUseless: (error: DebyError) => void;
}

interface Pending {
  readonly statement: DriverStatement;
  readonly deadlineAt: number;
  readonly listener: AnswerListener<never>;
  readonly bytesBefore: number;
  /** What the driver stumbled over. It is told once the server is ready for another statement, and not before. */
  failure?: DebyError;
}

/**
 * The one statement that a connection may have on its way to the server and back, through the driver; `listener` of the
 * driver's statements. Knows at each moment whether the server can have run it.
 */
export class Exchange implements DriverListener {
  readonly #deps: ExchangeDeps;
  #pending: Pending | undefined;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
  }

  get isUnderWay(): boolean {
    return this.#pending !== undefined;
  }

  /** Infinity while nothing is under way. */
  get deadlineAt(): number {
    return this.#pending?.deadlineAt ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a frozen server, or one that we cannot hear, may still run the statement. */
  get mayRun(): boolean {
    return this.#wasSent && !this.#pending?.statement.isOnlyDescribed;
  }

  /** What is known of the statement while it has no answer. */
  get outcome(): Outcome {
    return this.mayRun ? "unknown" : "not-executed";
  }

  begin<R>(statement: DriverStatement, deadlineAt: number, listener: AnswerListener<R>): void {
    if (this.#pending) throw new Error("A connection runs one statement at a time; its holder has to see to that");
    this.#pending = { statement, deadlineAt, listener, bytesBefore: this.#deps.socket.bytesWritten };
    queueMicrotask(this.#hand);
  }

  /** Takes out what is under way; the caller tells its listener. */
  end(): AnswerListener<never> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending?.listener;
  }

  /** Its end, also where the driver has stumbled on its way there. */
  resolved(statement: DriverStatement, result: DriverResult): void {
    const pending = this.#pending;
    if (pending?.statement !== statement) return;
    if (!Array.isArray(result)) {
      this.#refuseCopy(result);
      return;
    }
    this.#rest();
    if (pending.failure === undefined) pending.listener.answered(statement.rows as never[], result.command);
    else pending.listener.failed(pending.failure);
  }

  rejected(statement: DriverStatement, error: unknown): void {
    const pending = this.#pending;
    if (pending?.statement !== statement) return;
    const isTold = isToldByServer(error);
    const wrapped = statementError(error, isTold ? this.#wasSent : this.mayRun);
    if (wrapped.isLostConnection) {
      this.#deps.onLost(error);
    } else if (isTold) {
      this.#rest();
      pending.listener.failed(wrapped);
    } else {
      // A value that cannot be written down, or an answer that cannot be read. The driver asks for a ReadyForQuery then.
      pending.failure ??= wrapped;
    }
  }

  /**
   * In a turn of its own: the driver writes all its messages into one buffer, and a value's own code, such as its
   * `toJSON`, may run in the middle of that and ask for something.
   */
  readonly #hand = (): void => {
    const pending = this.#pending;
    if (pending === undefined) return;
    try {
      this.#deps.send(pending.statement);
    } catch (error) {
      // Something that is thrown by a value's own code, and that the driver can add nothing to.
      pending.failure ??= statementError(error, this.mayRun);
    }
  };

  #rest(): void {
    this.#pending = undefined;
    this.#deps.onRest();
  }

  /** COPY answers with a stream, which would hold the connection beyond the statement. It may have written by then. */
  #refuseCopy(stream: unknown): void {
    (stream as EventEmitter).on("error", () => {});
    const options = { outcome: "unknown", reason: "COPY" } as const;
    this.#deps.onUseless(new DebyError("STATEMENT_FAILED", "COPY is not supported", options));
  }

  /** Whether a byte of it was handed to the socket. */
  get #wasSent(): boolean {
    const pending = this.#pending;
    if (pending === undefined || pending.failure?.outcome === "not-executed") return false;
    return this.#deps.socket.bytesWritten > pending.bytesBefore;
  }
}

/** A listener that settles a promise. */
export function asListener<R>(
  resolve: (answer: Answer<R>) => void,
  reject: (error: unknown) => void,
): AnswerListener<R> {
  return { answered: (rows, command) => resolve({ rows, command }), failed: reject };
}
