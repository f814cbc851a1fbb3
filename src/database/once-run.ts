import { sleep } from "../core/clock.ts";
import { DebyError, type ErrorCode } from "../errors.ts";
import { keyInProgress, type OnceResult } from "./key-queue.ts";
import { type LeaseDeps, mayTryElsewhere, pauseBefore } from "./lease.ts";
import {
  attemptOnce,
  type LostAttempt,
  type OnceCall,
  type OnceEnd,
  type OnceFailure,
  type Predecessors,
} from "./once-attempt.ts";
import { endResting, type TransactionMark } from "./outcome-table.ts";
import { isTableMissing, NOT_ALLOWED, type OwnTable } from "./own-table.ts";
import { isRefusedWrite } from "./retry.ts";
import type { Transaction } from "./statement.ts";
import { tableAccess } from "./table-access.ts";
import { runTransaction } from "./transactions.ts";

/** While the database is given up for the time, somebody in doubt asks again so often. */
const DOUBT_PAUSE_MS = 100;
/** How often the work is begun at most: one that ends its server's sessions would otherwise do so until its deadline. */
const MAX_RUNS = 10;
const MAX_COLLISIONS = 3;
/** How long it is tried to end what a call has left behind, in milliseconds. */
const END_LIMIT_MS = 10_000;
const MAX_ORPHANS = 5;
/** SQLSTATE lock_not_available. */
const LOCK_TIMEOUT = "55P03";
/** There is no sense in waiting any longer: nobody listens, or we are about to end. */
const OVER: readonly ErrorCode[] = ["ABORTED", "SHUTTING_DOWN"];

/** What became of a transaction whose COMMIT was not answered. */
export type Resolution = "committed" | "not-committed" | "unknown";

/** @internal */
export interface OnceDeps extends LeaseDeps {
  /** The fate of a transaction whose COMMIT was not answered is known, or will not be. */
  readonly onResolved: (outcome: Resolution, durationMs: number) => void;
}

/** What is not known of the attempts whose connections were lost. */
interface Doubt extends Pick<Predecessors, "areStuck"> {
  readonly since: number;
  /** A COMMIT was sent and not answered: it may have happened. Otherwise it cannot have. */
  readonly mayBeCommitted: boolean;
  /** Another call has done the work, it seems. */
  readonly wasThere: boolean;
  readonly error: DebyError;
}

/** @internal Attempts at one call, until it is known that its work was done, or that it was not and will not be. */
export class OnceRun {
  readonly #deps: OnceDeps;
  readonly #table: OwnTable;
  readonly #call: OnceCall;
  #doubt: Doubt | undefined;
  /** Transactions whose connections are gone, since somebody last had the key. */
  #orphans: readonly TransactionMark[] = [];
  #runs = 0;
  #collisions = 0;
  #refusals = 0;

  constructor(deps: OnceDeps, table: OwnTable, call: OnceCall) {
    this.#deps = deps;
    this.#table = table;
    this.#call = call;
  }

  async untilKnown(): Promise<OnceResult> {
    try {
      for (;;) {
        const end = await this.#attempt();
        if (end === undefined) continue;
        if ("failure" in end) await this.#goOnAfter(end.failure);
        else if (end.result !== undefined) return this.#conclude(end.result);
      }
    } catch (error) {
      if (this.#orphans.length > 0) void this.#endOrphans().catch(() => {});
      throw error;
    }
  }

  /** Nobody waits for these any more. The server itself ends a resting one in time, but not in mid-statement. */
  async #endOrphans(): Promise<void> {
    const work = async (tx: Transaction): Promise<void> => {
      for (const orphan of this.#orphans) await endResting(tx, orphan);
    };
    await runTransaction(this.#deps, work, (now) => ({ at: now + END_LIMIT_MS }), {});
  }

  /** Undefined where there was no connection to be had, and somebody in doubt can wait for one. */
  async #attempt(): Promise<OnceEnd | undefined> {
    if (this.#doubt !== undefined && isOpen(this.#doubt)) {
      const refusal = this.#deps.gate.refusal("write");
      if (refusal !== undefined) return void (await this.#waitInDoubt(this.#doubt, refusal));
    }
    try {
      if (!this.#table.isMade) await this.#makeTable();
      const predecessors = this.#doubt && { marks: this.#orphans, areStuck: this.#doubt.areStuck };
      return await attemptOnce(this.#deps, this.#call, predecessors);
    } catch (error) {
      if (this.#doubt === undefined || !isOpen(this.#doubt)) throw error;
      await this.#waitInDoubt(this.#doubt, error);
      return undefined;
    }
  }

  /** Whatever stands in the way now may be over before the deadline. Throws OUTCOME_UNKNOWN at the deadline. */
  async #waitInDoubt(doubt: Doubt, error: unknown): Promise<void> {
    const { clock } = this.#deps;
    const isOver = error instanceof DebyError && OVER.includes(error.code);
    const leftMs = this.#call.deadline.at - clock.now();
    if (isOver || leftMs <= 0) throw this.#unknown(doubt);
    await sleep(clock, Math.min(DOUBT_PAUSE_MS, leftMs));
  }

  #conclude({ result, isReplay }: OnceResult): OnceResult {
    const isOurs = this.#doubt?.mayBeCommitted === true;
    this.#resolve(isReplay ? "committed" : "not-committed");
    // What an attempt of this very call has done is no replay.
    return { result, isReplay: isReplay && !isOurs };
  }

  /** Throws what is final; returns where another attempt is to be made. */
  async #goOnAfter({ error, hadKey, isOfWork, lost, orphan }: OnceFailure): Promise<void> {
    if (hadKey) {
      this.#runs += 1;
      this.#resolve("not-committed");
      this.#orphans = [];
    }
    if (orphan !== undefined) this.#orphans = [...this.#orphans, orphan].slice(-MAX_ORPHANS);
    if (lost !== undefined) return await this.#goOnWithout(lost);
    // Run again it would repeat what it has done on other lanes.
    if (isOfWork || !(error instanceof DebyError)) throw error;
    if (error.code === "SERIALIZATION_FAILURE" && this.#collisions < MAX_COLLISIONS) {
      this.#collisions += 1;
      return await this.#pause(error);
    }
    if (hadKey) throw error;
    if (isTableMissing(error)) return this.#table.forget();
    if (isRefusedWrite(error)) return await this.#goOnElsewhere(error);
    if (error.reason === LOCK_TIMEOUT) {
      if (this.#doubt === undefined) throw keyInProgress(this.#call);
      this.#doubt = { ...this.#doubt, areStuck: true };
      return;
    }
    if (error.code === "KEY_REUSED") this.#resolve("not-committed");
    if (error.reason === NOT_ALLOWED) throw this.#table.explain(error);
    if (this.#doubt === undefined || !isOpen(this.#doubt)) throw error;
    await this.#waitInDoubt(this.#doubt, error);
  }

  async #goOnWithout({ error, mayBeCommitted, wasThere }: LostAttempt): Promise<void> {
    const before = this.#doubt;
    this.#doubt = {
      since: before?.since ?? this.#deps.clock.now(),
      mayBeCommitted: mayBeCommitted || before?.mayBeCommitted === true,
      wasThere: wasThere || before?.wasThere === true,
      areStuck: before?.areStuck === true,
      error,
    };
    if (this.#runs >= MAX_RUNS) throw isOpen(this.#doubt) ? this.#unknown(this.#doubt) : error;
    await this.#pause(error);
  }

  /** The server takes no writes: the gate holds us until one does, or says that none will. */
  async #goOnElsewhere(error: DebyError): Promise<void> {
    const { deadline } = this.#call;
    const repetition = { kind: "write", repeats: this.#refusals, deadline } as const;
    this.#refusals += 1;
    const mayTry = await mayTryElsewhere(this.#deps, error, repetition).catch(() => true);
    const isInDoubt = this.#doubt !== undefined && isOpen(this.#doubt);
    if (!mayTry && !isInDoubt) throw readOnlyError(error);
    // The gate does not hold those who came in before the end of the service.
    const { clock } = this.#deps;
    await sleep(clock, Math.min(DOUBT_PAUSE_MS, Math.max(0, deadline.at - clock.now())));
  }

  async #pause(error: DebyError): Promise<void> {
    this.#deps.onRepeat();
    // Should the deadline pass meanwhile, the next attempt finds that out.
    await pauseBefore(this.#deps, error, { repetition: this.#collisions, deadline: this.#call.deadline }).catch(
      () => {},
    );
  }

  #resolve(outcome: Resolution): void {
    const { clock, onResolved } = this.#deps;
    if (this.#doubt?.mayBeCommitted) onResolved(outcome, clock.now() - this.#doubt.since);
    this.#doubt = undefined;
  }

  #unknown({ error }: Doubt): DebyError {
    this.#resolve("unknown");
    const message = `COMMIT was not answered, and the database did not tell in time what became of it: ${error.message}`;
    const reason = error.reason === undefined ? {} : { reason: error.reason };
    return new DebyError("OUTCOME_UNKNOWN", message, { cause: error, outcome: "unknown", ...reason });
  }

  async #makeTable(): Promise<void> {
    const { clock } = this.#deps;
    const { deadline } = this.#call;
    const access = tableAccess(this.#deps, () => deadline);
    await this.#table.make(access, { clock, deadlineAt: deadline.at });
  }
}

function readOnlyError(cause: DebyError): DebyError {
  const { reason = "25006" } = cause;
  return new DebyError("READ_ONLY", "The server accepts no writes", { cause, reason, outcome: "rolled-back" });
}

/** Whether nobody can say yet that the work was not done. */
function isOpen({ mayBeCommitted, wasThere }: Doubt): boolean {
  return mayBeCommitted || wasThere;
}
