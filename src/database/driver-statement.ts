import type postgres from "postgres";
import { DebyError } from "../errors.ts";
import { mayCommitOnItsWay } from "./retry.ts";
import { codeOf } from "./sqlstate.ts";

/** SQLSTATE in_failed_sql_transaction: not of the statement's own doing. */
const TRANSACTION_HAS_FAILED = "25P02";

/** What the driver resolves a statement with, beside the rows that the statement has itself. For a COPY it is a stream. */
export interface DriverResult {
  readonly command: string;
}

/** Is told how a statement ends, perhaps more than once. */
export interface DriverListener {
  /** Also after `rejected`, where the driver and not the server has failed: the server is ready for another one then. */
  resolved(statement: DriverStatement, result: DriverResult): void;
  rejected(statement: DriverStatement, error: unknown): void;
}

/** A template as the driver gets it. */
export interface DriverText {
  /** With `$1` and so on. */
  readonly text: string;
  /** The driver runs a prepared statement again that has failed for having grown stale: it must have done nothing. */
  readonly mayRunTwice: boolean;
}

/** Gives a statement to the driver's queue. */
export type DriverHandler = (statement: DriverStatement) => void;

export interface DriverOptions {
  readonly simple?: boolean;
  readonly prepare?: boolean;
}

const EXTENDED: DriverOptions = Object.freeze({});
const UNPREPARED: DriverOptions = Object.freeze({ prepare: false });
const SIMPLE: DriverOptions = Object.freeze({ simple: true, prepare: false });

/**
 * A statement as the driver's connection takes it, in place of the driver's own, which is a promise with four closures:
 * making that, and its turns, is felt in the throughput. Its fields are all that the driver reads and writes.
 * Source: postgres.js 3.4.9, src/query.js and src/connection.js.
 */
export class DriverStatement {
  readonly strings: readonly [text: string];
  readonly args: readonly unknown[];
  readonly options: DriverOptions;
  /** The text has its `$1` already. */
  readonly tagged = false;
  /** The driver adds it to the stack of an error. */
  readonly origin = "";
  /** The driver's own, of a reserved connection or a cursor: none of ours. */
  readonly reserve = undefined;
  readonly cursorFn = undefined;
  readonly cursorName = undefined;
  readonly isRaw = undefined;
  readonly onlyDescribe = undefined;
  readonly cancelled = null;

  /** As they have come. */
  rows: unknown[] = [];

  /** The driver's, while the statement is on its way. */
  active = false;
  state: unknown = null;
  statement: unknown = null;
  parameters: unknown = undefined;
  prepare: unknown = undefined;
  prepared: unknown = undefined;
  describeFirst: unknown = undefined;
  parsing: unknown = undefined;
  string = "";
  signature: unknown = "";

  readonly #listener: DriverListener;
  #retried: unknown = undefined;

  private constructor(text: string, args: readonly unknown[], options: DriverOptions, listener: DriverListener) {
    this.strings = [text];
    this.args = args;
    this.options = options;
    this.#listener = listener;
  }

  /** The extended protocol; the values are parameters, those of the driver's `typed` included. */
  static extended(
    { text, mayRunTwice }: DriverText,
    values: readonly unknown[],
    listener: DriverListener,
  ): DriverStatement {
    return new DriverStatement(text, values, mayRunTwice ? EXTENDED : UNPREPARED, listener);
  }

  /** The simple protocol: one round trip, never prepared. */
  static simple(text: string, listener: DriverListener): DriverStatement {
    return new DriverStatement(text, [], SIMPLE, listener);
  }

  /**
   * Whether the driver, at this moment, has had the server describe the parameters and has not sent the word to run. The
   * next message may change that, and to run again counts as run.
   */
  get isOnlyDescribed(): boolean {
    return Boolean(this.describeFirst) && this.#retried === undefined;
  }

  /**
   * The driver calls it for each row. Its own array begins where the last statement has stopped, if that one was ended by
   * an error among its rows.
   */
  forEachFn(row: unknown): void {
    this.rows.push(row);
  }

  /** To the driver it never was, or it would tell the first error in place of the second. */
  get retried(): unknown {
    return undefined;
  }

  /**
   * The error for which the driver sends the statement once more: a prepared one that has grown stale. It would take the
   * parameters that it has written already for values, and write the `t` of a `true` as `f`.
   */
  set retried(error: unknown) {
    this.#retried = error;
    this.parameters = undefined;
    this.rows = [];
  }

  /** The driver calls it. */
  resolve(result: DriverResult): void {
    this.active = false;
    this.#listener.resolved(this, result);
  }

  /** The driver calls it. */
  reject(error: unknown): void {
    this.active = false;
    // Within a transaction it fails once more for having failed.
    const isEcho = this.#retried !== undefined && codeOf(error) === TRANSACTION_HAS_FAILED;
    this.#listener.rejected(this, isEcho ? this.#retried : error);
  }
}

/** The way into the queue of a driver's instance; each of its statements has it. */
export function handlerOf(sql: postgres.Sql): DriverHandler {
  return (sql.unsafe("") as unknown as { readonly handler: DriverHandler }).handler;
}

/** The driver refuses as many and more. */
const MAX_VALUES = 65_534;

/**
 * What would surely fail takes no connection, and no place in a queue.
 * Throws STATEMENT_FAILED for values, TypeError for what is no template: a text put together of values is what templates
 * are there against.
 */
export function requireSendable(strings: TemplateStringsArray, values: readonly unknown[]): void {
  if (!Array.isArray(strings?.raw)) throw new TypeError("A statement is a template, as in db.query`select 1`");
  if (values.includes(undefined)) {
    throw notSent("UNDEFINED_VALUE", "A value of the statement is undefined; SQL's NULL is null");
  }
  if (values.length < MAX_VALUES) return;
  const limits = `and may have ${MAX_VALUES - 1} at most; an array counts as one`;
  throw notSent("TOO_MANY_VALUES", `The statement has ${values.length} values, ${limits}`);
}

function notSent(reason: string, message: string): DebyError {
  return new DebyError("STATEMENT_FAILED", message, { outcome: "not-executed", reason });
}

const texts = new WeakMap<TemplateStringsArray, DriverText>();

/** The text of a template with `$1` and so on in place of its values; made once for each. */
export function textOf(strings: TemplateStringsArray): DriverText {
  let known = texts.get(strings);
  if (known === undefined) {
    const text = strings.reduce((before, after, index) => `${before}$${index}${after}`);
    known = { text, mayRunTwice: !mayCommitOnItsWay(text) };
    texts.set(strings, known);
  }
  return known;
}
