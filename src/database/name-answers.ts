/** An address that comes back so soon has never gone: the name server gives out some of many at a time. */
const COMES_BACK_WITHIN_MS = 5 * 60_000;
/** For so long after that, its answers tell nothing. */
const CHANGING_FOR_MS = 10 * 60_000;

/** Tells a name that has moved from one whose answers change as they come, as those of balancers do. */
export class NameAnswers {
  #last: readonly string[] = [];
  readonly #goneSince = new Map<string, number>();
  #changingUntil = Number.NEGATIVE_INFINITY;

  /** Takes note of an answer; whether such answers mean nothing. */
  isChanging(answer: readonly string[], now: number): boolean {
    for (const [address, goneSince] of this.#goneSince) {
      if (now - goneSince >= COMES_BACK_WITHIN_MS) this.#goneSince.delete(address);
      else if (answer.includes(address)) this.#changingUntil = now + CHANGING_FOR_MS;
    }
    for (const address of this.#last) if (!answer.includes(address)) this.#goneSince.set(address, now);
    for (const address of answer) this.#goneSince.delete(address);
    this.#last = answer;
    return now < this.#changingUntil;
  }
}
