import type postgres from "postgres";
import { DebyError } from "../errors.ts";

/** What the driver resolves a statement with: its rows, or a stream for a COPY. */
export type DriverResult<R> = R[] & { readonly command: string };

/** Is told how a statement ends; of one that could not be sent, before `send` has returned. */
export interface DriverListener {
  resolved(statement: DriverStatement, result: DriverResult<never>): void;
  /** Perhaps more than once, and after `resolved`. */
  rejected(statement: DriverStatement, error: unknown): void;
}

/** Gives a statement to the driver's queue. */
export type DriverHandler = (statement: DriverStatement) => void;

export interface DriverOptions {
  readonly simple?: boolean;
  readonly prepare?: boolean;
}

const EXTENDED: DriverOptions = Object.freeze({});
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
  /** The driver's own, of a reserved connection, a cursor, or rows one by one: none of ours. */
  readonly reserve = undefined;
  readonly cursorFn = undefined;
  readonly forEachFn = undefined;
  readonly isRaw = undefined;
  readonly onlyDescribe = undefined;
  readonly cancelled = null;

  /** The driver's, while the statement is on its way. */
  active = false;
  state: unknown = null;
  statement: unknown = null;
  parameters: unknown = undefined;
  prepare: unknown = undefined;
  prepared: unknown = undefined;
  describeFirst: unknown = undefined;
  parsing: unknown = undefined;
  retried: unknown = undefined;
  string = "";
  signature: unknown = "";

  readonly #listener: DriverListener;

  private constructor(text: string, args: readonly unknown[], options: DriverOptions, listener: DriverListener) {
    this.strings = [text];
    this.args = args;
    this.options = options;
    this.#listener = listener;
  }

  /** The extended protocol; the values are parameters, those of the driver's `typed` included. */
  static extended(text: string, values: readonly unknown[], listener: DriverListener): DriverStatement {
    return new DriverStatement(text, values, EXTENDED, listener);
  }

  /** The simple protocol: one round trip, never prepared. */
  static simple(text: string, listener: DriverListener): DriverStatement {
    return new DriverStatement(text, [], SIMPLE, listener);
  }

  /** The server was asked what the statement's parameters are, and not yet to run it. */
  get isOnlyDescribed(): boolean {
    return Boolean(this.describeFirst);
  }

  /** The driver calls it. */
  resolve(result: DriverResult<never>): void {
    this.active = false;
    this.#listener.resolved(this, result);
  }

  /** The driver calls it. */
  reject(error: unknown): void {
    this.active = false;
    this.#listener.rejected(this, error);
  }
}

/** The way into the queue of a driver's instance; each of its statements has it. */
export function handlerOf(sql: postgres.Sql): DriverHandler {
  return (sql.unsafe("") as unknown as { readonly handler: DriverHandler }).handler;
}

/** The driver refuses as many and more. */
const MAX_VALUES = 65_534;

/**
 * The driver does not find its way back from what it cannot send, and the connection would be lost for it.
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

const texts = new WeakMap<TemplateStringsArray, string>();

/** The text of a template with `$1` and so on in place of its values; made once for each. */
export function textOf(strings: TemplateStringsArray): string {
  let text = texts.get(strings);
  if (text === undefined) {
    text = strings.reduce((before, after, index) => `${before}$${index}${after}`);
    texts.set(strings, text);
  }
  return text;
}
