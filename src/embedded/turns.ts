import type { Clock, Timer } from "../core/clock.ts";

/** A piece of work on the one session. */
export interface Turn<C> {
  /** On whose behalf; undefined for work of our own. */
  readonly client: C | undefined;
  /** Whether the client is told afterwards that the server is ready for more. */
  readonly endsExchange: boolean;
  /** Does it; resolves with whether the client keeps the session, so that nobody else's turn may come before its next. */
  readonly work: () => Promise<boolean>;
}

export interface TurnsDeps<C> {
  readonly clock: Clock;
  /** Somebody keeps the session and asks for nothing, for so long that others should not have to wait any more. */
  readonly onIdleHolder: (holder: C) => void;
  /** A turn has failed, which none may. */
  readonly onError: (error: unknown) => void;
}

/** As long as others wait, nobody may keep the session without using it for more than so long. */
const IDLE_HOLDER_LIMIT_MS = 60_000;
/** For so long after it was at work it still counts as busy: who asks has waited before. */
const BUSY_MEMORY_MS = 3_000;

/**
 * Who comes next. Invariants: one turn at a time; while a client keeps the session only its own turns are taken; else
 * the oldest is, whosever it is.
 */
export class Turns<C extends object> {
  readonly #deps: TurnsDeps<C>;
  readonly #queue: Turn<C>[] = [];
  #running: Turn<C> | undefined;
  #holder: C | undefined;
  #lastBusyAt = Number.NEGATIVE_INFINITY;
  #idleTimer: Timer | undefined;
  #onRest: (() => void) | undefined;

  constructor(deps: TurnsDeps<C>) {
    this.#deps = deps;
  }

  /** Who keeps the session between its turns. */
  get holder(): C | undefined {
    return this.#holder;
  }

  /** Whether it is at work, or was a moment ago, or is kept. */
  get isBusy(): boolean {
    const isAtWork = this.#running !== undefined || this.#holder !== undefined || this.#queue.length > 0;
    return isAtWork || this.#deps.clock.now() - this.#lastBusyAt < BUSY_MEMORY_MS;
  }

  isRunning(client: C): boolean {
    return this.#running?.client === client;
  }

  add(turn: Turn<C>): void {
    this.#queue.push(turn);
    this.#wake();
  }

  /** Takes all turns of a client out of the queue. */
  withdrawAll(client: C): void {
    while (this.withdrawExchange(client) !== undefined);
  }

  /** Takes the client's oldest exchange out of the queue, as much as there is of it; returns the last turn of it. */
  withdrawExchange(client: C): Turn<C> | undefined {
    const waiting = this.#queue.filter((turn) => turn.client === client);
    const end = waiting.findIndex(({ endsExchange }) => endsExchange);
    const withdrawn = end === -1 ? waiting : waiting.slice(0, end + 1);
    for (const turn of withdrawn) this.#queue.splice(this.#queue.indexOf(turn), 1);
    return withdrawn.at(-1);
  }

  /** Resolves when nothing runs and nothing waits. */
  rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRest = resolve;
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#running !== undefined) return;
    const index = this.#holder === undefined ? 0 : this.#queue.findIndex(({ client }) => client === this.#holder);
    const [turn] = index === -1 ? [] : this.#queue.splice(index, 1);
    this.#running = turn;
    if (turn !== undefined) {
      this.#forgiveHolder();
      void this.#take(turn);
    } else if (this.#queue.length === 0) this.#onRest?.();
    else this.#limitHolder();
  }

  async #take(turn: Turn<C>): Promise<void> {
    const { clock, onError } = this.#deps;
    try {
      const isKept = await turn.work();
      this.#holder = isKept ? turn.client : undefined;
    } catch (error) {
      onError(error);
    }
    this.#running = undefined;
    this.#lastBusyAt = clock.now();
    this.#wake();
  }

  /** Called while somebody keeps the session without using it, whenever somebody comes. */
  #limitHolder(): void {
    if (this.#idleTimer !== undefined || !this.#isAnyoneWaiting()) return;
    const { clock, onIdleHolder } = this.#deps;
    this.#idleTimer = clock.after(IDLE_HOLDER_LIMIT_MS, () => {
      this.#idleTimer = undefined;
      if (this.#holder !== undefined && this.#isAnyoneWaiting()) onIdleHolder(this.#holder);
    });
  }

  #forgiveHolder(): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = undefined;
  }

  #isAnyoneWaiting(): boolean {
    return this.#queue.some(({ client }) => client !== undefined);
  }
}
