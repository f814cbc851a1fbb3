import type { Clock } from "../core/clock.ts";
import { jittered, type Random } from "../core/random.ts";
import type { DebyError } from "../errors.ts";

/** Connections being opened at once while a pool fills. */
const MAX_OPENING = 4;
/** Pause after a connection could not be opened while others work, so that a full server is not hammered. */
const FAILURE_PAUSE_MS = 500;

export interface OpenerDeps<C> {
  readonly clock: Clock;
  readonly random: Random;
  readonly connectTimeoutMs: number;
  /** Opens one physical connection by the deadline; the signal says that nobody wants it any more. */
  readonly open: (deadlineAt: number, signal: AbortSignal) => Promise<C>;
  readonly onOpened: (connection: C) => void;
  readonly onFailed: (error: DebyError) => void;
  /** For a connection that comes when it is not wanted any more. */
  readonly discard: (connection: C) => void;
}

/** Opens connections at a pace that a server can bear; whatever is on its way can be given up at once. */
export class Opener<C> {
  readonly #deps: OpenerDeps<C>;
  #current = new AbortController();
  #opening = 0;
  #openAgainAt = 0;

  constructor(deps: OpenerDeps<C>) {
    this.#deps = deps;
  }

  /** How many are on their way. */
  get opening(): number {
    return this.#opening;
  }

  get canOpen(): boolean {
    return this.#opening < MAX_OPENING && this.#deps.clock.now() >= this.#openAgainAt;
  }

  /** Begins to open one. */
  start(): void {
    this.#opening += 1;
    void this.#open(this.#current.signal);
  }

  /** Gives up what is on its way, and forgets that anything failed. */
  reset(): void {
    this.#current.abort();
    this.#current = new AbortController();
    this.#opening = 0;
    this.#openAgainAt = 0;
  }

  async #open(unwanted: AbortSignal): Promise<void> {
    const { clock, random, connectTimeoutMs, open, onOpened, onFailed, discard } = this.#deps;
    try {
      const connection = await open(clock.now() + connectTimeoutMs, unwanted);
      if (unwanted.aborted) return discard(connection);
      this.#opening -= 1;
      onOpened(connection);
    } catch (error) {
      if (unwanted.aborted) return;
      this.#opening -= 1;
      this.#openAgainAt = clock.now() + jittered(FAILURE_PAUSE_MS, 0.2, random);
      onFailed(error as DebyError);
    }
  }
}
