import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import { KeyQueue } from "./key-queue.ts";
import { codeForObserver } from "./lease.ts";
import type { OnceCall } from "./once-attempt.ts";
import { type OnceDeps, OnceRun, type Resolution } from "./once-run.ts";
import { decodeResult, type Stored } from "./outcome-json.ts";
import { BEGIN, confirmAny, isKeyLocked, isKeyThere } from "./outcome-table.ts";
import { isTableMissing, type OwnTable } from "./own-table.ts";
import type { Statement, Transaction } from "./statement.ts";
import { runStatement } from "./statements.ts";
import { runTransaction } from "./transactions.ts";

const MAX_KEY_LENGTH = 255;

export interface OnceOptions {
  /** Keeps apart what may use equal keys, such as a route and its caller. Default: the empty text. */
  readonly scope?: string;
  /** Tells one request from another with the same key. Default: none, which is a fingerprint, too. */
  readonly fingerprint?: string;
  /** Called before the result is given where an earlier call has made it. */
  readonly onReplay?: () => void;
}

/** What is known of a key. `not-committed` also of one that was never used, or so long ago that it was pruned. */
export type KeyStatus = Resolution | "in-progress";

type GetDeadline = (now: number) => Deadline;

/**
 * @internal
 * Writes that happen exactly once. The work and a row with its key are one transaction, so whether the key is there
 * tells whether the work was done. Where an answer was lost, the key is inserted again: the unique index waits for the
 * old transaction, and then the key is either there, or the lost attempt can never bring it there any more.
 */
export class Once {
  readonly #deps: OnceDeps;
  readonly #table: OwnTable;
  readonly #queue: KeyQueue;

  constructor(deps: OnceDeps, table: OwnTable) {
    this.#deps = deps;
    this.#table = table;
    this.#queue = new KeyQueue(deps.clock);
  }

  /**
   * Runs `work` once for all calls with this key, or gives the result of the call that did it.
   * Throws what `work` throws, after which the key is free again; KEY_REUSED, KEY_IN_PROGRESS; OUTCOME_UNKNOWN when the
   * deadline passes before it is known whether the work was done; otherwise the errors of a transaction.
   */
  async run<T>(
    key: string,
    work: (tx: Transaction) => Promise<T>,
    getDeadline: GetDeadline,
    { scope = "", fingerprint, onReplay }: OnceOptions,
  ): Promise<Stored<T>> {
    const { clock, observer } = this.#deps;
    checkKey(key);
    const startedAt = clock.now();
    // Made here, where the caller's frame is still on the stack; read only if the lease lasts too long.
    const holder = new Error("taken here");
    try {
      const call: OnceCall = { scope, key, work, fingerprint, deadline: getDeadline(startedAt), holder };
      const attempts = () => new OnceRun(this.#deps, this.#table, call).untilKnown();
      const { result, isReplay } = await this.#queue.run(call, call, attempts);
      observer.operationEnded("once", clock.now() - startedAt, undefined);
      if (isReplay) onReplay?.();
      return decodeResult<T>(result);
    } catch (error) {
      observer.operationEnded("once", clock.now() - startedAt, codeForObserver(error));
      throw error;
    }
  }

  /** What has become of a key, in whatever scope where none is given. `unknown` where the database cannot be asked by the deadline. */
  async status(key: string, getDeadline: GetDeadline, { scope }: Pick<OnceOptions, "scope">): Promise<KeyStatus> {
    checkKey(key);
    if (this.#queue.has(key)) return "in-progress";
    const look = async (tx: Transaction): Promise<KeyStatus> => {
      // First the lock: whoever has given it back by then has committed already, or never will.
      if (await isKeyLocked(tx, key)) return "in-progress";
      return (await confirmAny(tx, key, scope)) ? "committed" : "not-committed";
    };
    const query: Statement = (strings, ...values) => runStatement(this.#deps, "read", { strings, values }, getDeadline);
    const { isReadOnly } = this.#deps.gate;
    try {
      // A standby may not have heard of it yet.
      if (isReadOnly) return (await isKeyThere({ query }, key, scope)) ? "committed" : "unknown";
      return await runTransaction(this.#deps, look, getDeadline, { retryable: true, begin: BEGIN });
    } catch (error) {
      if (isTableMissing(error)) return isReadOnly ? "unknown" : "not-committed";
      if (!(error instanceof DebyError)) throw error;
      if (error.retryable || error.outcome === "unknown" || error.code === "DEADLINE_EXCEEDED") return "unknown";
      throw error;
    }
  }
}

function checkKey(key: string): void {
  if (key !== "" && key.length <= MAX_KEY_LENGTH && !key.includes("\0") && key.isWellFormed()) return;
  const message = `A key has 1 to ${MAX_KEY_LENGTH} characters, none of them NUL or half a character`;
  throw new DebyError("VALIDATION_FAILED", message);
}
