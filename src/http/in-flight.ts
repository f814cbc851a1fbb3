import type { Clock } from "../core/clock.ts";
import type { Deadline } from "../core/deadline.ts";
import { DeadlineSweep, type Sweepable } from "../core/sweep.ts";
import { DebyError } from "../errors.ts";
import { problemResponse } from "./problem.ts";

/** How long after its deadline a request is answered from outside, so that the database's better answer comes first. */
const GRACE_MS = 50;

type Answer = Response | undefined;

/** A request on its way: its deadline, and the promise of its answer. */
class RequestInFlight implements Deadline {
  readonly at: number;
  /** The route has answered; an answer from outside, at the deadline, does not count. */
  isAnswered = false;
  /** Its deadline has passed, and its answer from outside is on its way. */
  isGivenUp = false;
  readonly #request: Request;
  readonly #owner: RequestsInFlight;
  #resolve: ((answer: Answer) => void) | undefined;

  constructor(request: Request, at: number, owner: RequestsInFlight) {
    this.#request = request;
    this.at = at;
    this.#owner = owner;
  }

  /** The client's disconnect. Made only when somebody asks: most requests never wait for long. */
  makeSignal(): AbortSignal {
    return this.#request.signal;
  }

  get isSettled(): boolean {
    return this.#resolve === undefined;
  }

  answerWith(work: Promise<Answer>, onFailure: (error: unknown) => Response): Promise<Answer> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      work.then(
        (answer) => this.#answer(answer),
        (error) => this.#answer(onFailure(error)),
      );
    });
  }

  #answer(answer: Answer): void {
    this.isAnswered = !this.isSettled;
    this.settle(answer);
  }

  /** The first answer counts; a later one is dropped. */
  settle(answer: Answer): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    this.#owner.forget(this);
    resolve(answer);
  }
}

/** All requests on their way. One coarse timer serves all their deadlines. */
export class RequestsInFlight implements Sweepable {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #sweep: DeadlineSweep;
  readonly #entries = new Set<RequestInFlight>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#sweep = new DeadlineSweep(clock);
  }

  get count(): number {
    return this.#entries.size;
  }

  /** A request that begins now, with its deadline. It counts from `track` on. */
  begin(request: Request): RequestInFlight {
    return new RequestInFlight(request, this.#clock.now() + this.#timeoutMs, this);
  }

  /** Resolves with the answer of `work`, or shortly after the deadline with DEADLINE_EXCEEDED. Never rejects. */
  track(entry: RequestInFlight, work: Promise<Answer>, onFailure: (error: unknown) => Response): Promise<Answer> {
    this.#entries.add(entry);
    if (this.#entries.size === 1) this.#sweep.add(this);
    return entry.answerWith(work, onFailure);
  }

  forget(entry: RequestInFlight): void {
    this.#entries.delete(entry);
  }

  sweep(now: number): boolean {
    for (const entry of this.#entries) if (entry.at + GRACE_MS <= now) this.#giveUp(entry);
    return this.#entries.size > 0;
  }

  #giveUp(entry: RequestInFlight): void {
    if (entry.isGivenUp) return;
    entry.isGivenUp = true;
    // One turn later: after a stall of our own, an answer that is ready may still be on its way through the promises.
    this.#clock.after(1, () => {
      if (!entry.isSettled) entry.settle(problemResponse(this.#lateError()));
    });
  }

  /** Answers whatever is still on its way. */
  settleAll(error: DebyError): void {
    for (const entry of this.#entries) entry.settle(problemResponse(error));
  }

  #lateError(): DebyError {
    const message = `The request was not answered within its deadline of ${this.#timeoutMs} ms`;
    return new DebyError("DEADLINE_EXCEEDED", message, { outcome: "unknown" });
  }
}
