import type { Clock, Timer } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { Outcome } from "../errors.ts";
import { foreignWord } from "./foreign-word.ts";
import type { ServerAddress } from "./health-watch.ts";
import { type HttpAnswer, HttpClient, NoAnswer } from "./http-client.ts";
import { type LedgerEntry, succeeded } from "./ledger.ts";

export interface WorkloadOptions {
  readonly server: ServerAddress;
  readonly clock: Clock;
  /** Decides the mix: the same sequence gives the same one. The ids are always new, since a row may still be there. */
  readonly random: Random;
  readonly ratePerSecond: number;
  /** Part of the requests that write, in [0, 1]. */
  readonly writeShare: number;
  /** After so long a request without an answer is given up as hung. */
  readonly limitMs: number;
}

/**
 * An open-loop load on the canary routes: requests start on schedule, however slowly earlier ones are answered, and
 * each is written down in the ledger. None is repeated.
 * Source: "Open Versus Closed: A Cautionary Tale", Schroeder, Wierman and Harchol-Balter, NSDI 2006.
 */
export class Workload implements AsyncDisposable {
  readonly #options: WorkloadOptions;
  readonly #client: HttpClient;
  readonly #ledger: LedgerEntry[] = [];
  readonly #acknowledged: string[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #cut = new AbortController();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#client = new HttpClient({ ...options.server, clock: options.clock });
  }

  /** Every request so far, in the order of their starts. */
  get entries(): readonly LedgerEntry[] {
    return this.#ledger;
  }

  /** Begins to send. To be called once. */
  start(): void {
    const { clock, ratePerSecond } = this.#options;
    const startedAt = clock.now();
    let sent = 0;
    const sendDue = (): void => {
      if (this.#isStopped) return;
      let dueAt = startedAt + (sent * 1_000) / ratePerSecond;
      while (dueAt <= clock.now()) {
        this.#send(dueAt);
        sent += 1;
        dueAt = startedAt + (sent * 1_000) / ratePerSecond;
      }
      this.#timer = clock.after(dueAt - clock.now(), sendDue);
    };
    sendDue();
  }

  /** No further requests; those under way go on until they are answered, dropped or hung. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await Promise.all(this.#underWay);
  }

  /** Stops and gives up whatever is under way; such requests are judged by nobody. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut.abort();
    await this.stop();
    this.#client[Symbol.dispose]();
  }

  #send(intendedAt: number): void {
    const { kind, id } = this.#choose();
    const index = this.#ledger.length;
    const startedAt = this.#options.clock.now();
    const entry: LedgerEntry = { ...UNANSWERED, id, kind, intendedAt, startedAt };
    this.#ledger.push(entry);
    const run = this.#ask(entry).then((ended) => {
      this.#ledger[index] = ended;
      if (kind === "write" && succeeded(ended)) this.#acknowledged.push(id);
      this.#underWay.delete(run);
    });
    this.#underWay.add(run);
  }

  async #ask(entry: LedgerEntry): Promise<LedgerEntry> {
    const { clock, limitMs } = this.#options;
    try {
      const answer = await this.#client.request({
        method: entry.kind === "write" ? "PUT" : "GET",
        path: `/api/canary/${entry.id}`,
        limitMs: limitMs - (entry.startedAt - entry.intendedAt),
        signal: this.#cut.signal,
      });
      return { ...entry, ending: "answered", endedAt: clock.now(), status: answer.status, ...readProblem(answer) };
    } catch (error) {
      const failure = error instanceof NoAnswer ? error : new NoAnswer("dropped", "ERROR");
      return { ...entry, ending: failure.ending, endedAt: clock.now(), code: failure.code };
    }
  }

  /** Always draws the same number of times, so that the sequence does not depend on how fast the server answers. */
  #choose(): Pick<LedgerEntry, "kind" | "id"> {
    const { random, writeShare } = this.#options;
    const isWrite = random() < writeShare;
    const position = random();
    const acknowledged = this.#acknowledged[Math.floor(position * this.#acknowledged.length)];
    return isWrite || acknowledged === undefined
      ? { kind: "write", id: crypto.randomUUID() }
      : { kind: "read", id: acknowledged };
  }
}

const UNANSWERED = {
  ending: "open",
  endedAt: undefined,
  status: undefined,
  code: undefined,
  outcome: undefined,
} as const;

const OUTCOMES: readonly unknown[] = ["not-executed", "rolled-back", "committed", "unknown"] satisfies Outcome[];

/** The code and the outcome of a problem document; undefined for a success and for any other body. */
function readProblem({ status, body }: HttpAnswer): Pick<LedgerEntry, "code" | "outcome"> {
  if (status < 400) return { code: undefined, outcome: undefined };
  let problem: unknown;
  try {
    problem = JSON.parse(body);
  } catch {
    problem = undefined;
  }
  if (typeof problem !== "object" || problem === null) return { code: undefined, outcome: undefined };
  const { code, outcome } = problem as { code?: unknown; outcome?: unknown };
  return {
    code: typeof code === "string" ? foreignWord(code) : undefined,
    outcome: OUTCOMES.includes(outcome) ? (outcome as Outcome) : undefined,
  };
}
