import { beforeAll, describe, expect, test } from "bun:test";
import { type Clock, sleep, type Timer } from "../../../src/core/clock.ts";
import { jittered, type Random, seededRandom } from "../../../src/core/random.ts";
import { codedError } from "../../../src/core/within.ts";
import type { Connector } from "../../../src/database/connector.ts";
import { type Database, openDatabase } from "../../../src/database/database.ts";
import type { Answer, AnswerListener } from "../../../src/database/exchange.ts";
import type { ProbeConnection } from "../../../src/database/monitor.ts";
import type { LeasedConnection } from "../../../src/database/pool-types.ts";
import { connectError, lostError } from "../../../src/database/sqlstate.ts";
import { DebyError } from "../../../src/errors.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { defaultSettings, targetAt } from "../../support/settings.ts";

const ADDRESS = "simulated:5432";
const HANDSHAKE_MS = 5;
const ANSWER_MS = 2;
/** Of each client: more than the connections that may be opened at once. */
const WORKERS = 6;

type Condition = "serving" | "refusing" | "silent" | "starting up";

interface Dial {
  readonly client: number;
  readonly at: number;
}

interface DialOptions {
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
}

/** One server for all clients, on their clock. */
class SimulatedServer {
  condition: Condition = "serving";
  readonly dials: Dial[] = [];
  /** The most that any one client had on their way at the same time. */
  readonly mostAtOnce = { probes: 0, pool: 0 };
  readonly #clock: Clock;
  #sessions: SimulatedSession[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server goes, and every session with it: without a word where it falls silent, else by a reset. */
  lose(condition: Exclude<Condition, "serving">): void {
    this.condition = condition;
    for (const session of this.#sessions.splice(0)) {
      if (condition === "silent") session.isMute = true;
      else session.reset();
    }
  }

  /** What this client connects with; its way to the server takes a time of its own. */
  connectorOf(client: number, random: Random): Connector {
    const wayMs = 0.1 + random();
    const onTheirWay = { probes: 0, pool: 0 };
    const dial = async (kind: "probes" | "pool", options: DialOptions): Promise<void> => {
      this.dials.push({ client, at: this.#clock.now() });
      onTheirWay[kind] += 1;
      this.mostAtOnce[kind] = Math.max(this.mostAtOnce[kind], onTheirWay[kind]);
      const leave = new AbortController();
      const { signal } = options;
      leave.signal.addEventListener("abort", () => {
        onTheirWay[kind] -= 1;
      });
      // What is given up is gone in the same moment.
      signal.addEventListener("abort", () => leave.abort(), { signal: leave.signal });
      await this.#reach(wayMs, options).finally(() => leave.abort());
    };
    return {
      open: async ({ applicationName, deadlineAt, signal }) => {
        const kind = applicationName.endsWith("-probe") ? "probes" : "pool";
        try {
          await dial(kind, { deadlineAt, signal });
        } catch (error) {
          throw connectError(error, ADDRESS);
        }
        const session = new SimulatedSession(this.#clock, wayMs + HANDSHAKE_MS);
        this.#sessions.push(session);
        return session;
      },
    };
  }

  async #reach(wayMs: number, { deadlineAt, signal }: DialOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // What is sent into silence stays lost, also when the server is back before the deadline.
    const ask = (afterMs: number, next: () => void): Timer =>
      this.#clock.after(afterMs, () => {
        if (this.condition === "refusing") reject(codedError("ECONNREFUSED", "connection refused"));
        else if (this.condition !== "silent") next();
      });
    const login = (): void => {
      if (this.condition === "serving") resolve();
      else reject(codedError("57P03", "the database system is starting up"));
    };
    const giveUp = (): void => reject(codedError("ABORT_ERR", "given up"));
    const limit = this.#clock.after(deadlineAt - this.#clock.now(), () => reject(codedError("ETIMEDOUT", "silence")));
    signal.addEventListener("abort", giveUp);
    ask(wayMs, () => ask(HANDSHAKE_MS, login));
    try {
      await promise;
    } finally {
      limit.cancel();
      signal.removeEventListener("abort", giveUp);
    }
  }
}

/** Answers every statement with no row, until the server is lost. */
class SimulatedSession implements LeasedConnection, ProbeConnection {
  isMute = false;
  idleSince: number;
  lastAnswerAt: number;
  expiresAt = Number.POSITIVE_INFINITY;
  leasedAt = Number.POSITIVE_INFINITY;
  holder: undefined;
  chunksReceived = 0;
  unsentBytes = 0;
  onLost: (error: DebyError) => void = () => {};
  readonly isInTransaction = false;
  readonly isOutsideTransaction = true;
  readonly backend = { pid: 1, startedAt: "then", server: "simulated", isDirect: true };
  readonly remoteAddress = undefined;
  markLock = undefined;
  readonly openedAt: number;
  readonly facts: ProbeConnection["facts"];
  readonly #clock: Clock;
  #pending: { readonly reject: (error: DebyError) => void; readonly limit: Timer } | undefined;
  #lost: DebyError | undefined;

  constructor(clock: Clock, connectMs: number) {
    this.#clock = clock;
    this.openedAt = this.idleSince = this.lastAnswerAt = clock.now();
    this.facts = { version: "18.0", isStandby: false, isReadOnly: false, connectMs, address: ADDRESS };
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  run<R>(_strings: TemplateStringsArray, _values: readonly unknown[], deadlineAt: number): Promise<Answer<R>> {
    return this.control("", deadlineAt);
  }

  start<R>(strings: TemplateStringsArray, values: readonly unknown[], deadlineAt: number, listener: AnswerListener<R>) {
    this.run<R>(strings, values, deadlineAt).then(
      ({ rows, command }) => listener.answered(rows, command),
      (error) => listener.failed(error),
    );
  }

  control<R>(_text: string, deadlineAt: number): Promise<Answer<R>> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const late = new DebyError("DEADLINE_EXCEEDED", "silence", { outcome: "unknown", reason: "DEADLINE" });
      const limit = this.#clock.after(deadlineAt - this.#clock.now(), () => this.#lose(late));
      this.#pending = { reject, limit };
      this.#clock.after(ANSWER_MS, () => {
        if (this.isMute || this.#pending?.limit !== limit) return;
        this.chunksReceived += 1;
        this.lastAnswerAt = this.#clock.now();
        this.#rest();
        resolve({ rows: [], command: "SELECT" });
      });
    });
  }

  reset(): void {
    if (this.isLost) return;
    const error = lostError(codedError("ECONNRESET", "reset"), this.isBusy);
    this.#lose(error);
    this.onLost(error);
  }

  async close(): Promise<void> {
    this.destroy("DATABASE_UNAVAILABLE", "closed");
  }

  destroy(code: "DATABASE_UNAVAILABLE" | "SHUTTING_DOWN", message: string): void {
    const outcome = this.isBusy ? "unknown" : "not-executed";
    this.#lose(new DebyError(code, message, { outcome, reason: "EVICTED", isLostConnection: true }));
  }

  #lose(error: DebyError): void {
    this.#lost ??= error;
    this.#rest()?.reject(this.#lost);
  }

  #rest() {
    const pending = this.#pending;
    pending?.limit.cancel();
    this.#pending = undefined;
    return pending;
  }
}

/** A process with deby in it, and what it is asked for. */
class Client {
  readonly db: Database;
  readonly attemptsAt = new Set<number>();
  readonly answers: Record<string, number> = {};
  unanswered = 0;
  /** When a statement succeeded for the first time since this was last cleared. */
  succeededAt: number | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stopped = new AbortController();

  constructor(server: SimulatedServer, clock: Clock, seed: number) {
    const random = seededRandom(seed);
    const connector = server.connectorOf(seed, random);
    this.#clock = clock;
    this.#random = random;
    this.db = openDatabase(targetAt(5432), defaultSettings, { clock, random, connector: () => connector });
    this.db.on("attempt", () => void this.attemptsAt.add(clock.now()));
    this.db.on("recovered", () => void this.#ask(() => this.db.read`select`));
    void this.#work(() => this.db.query`insert`);
    for (let reader = 1; reader < WORKERS; reader++) void this.#work(() => this.db.read`select`);
  }

  /** One statement after the other; while there is no database, all of them are held. */
  async #work(run: () => Promise<unknown>): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const isAnswered = await this.#ask(run);
      const pauseMs = jittered(isAnswered ? 1000 : 10_000, 0.5, this.#random);
      await sleep(this.#clock, pauseMs, this.#stopped.signal);
    }
  }

  /** Asks for nothing more. */
  stop(): void {
    this.#stopped.abort();
  }

  async #ask(run: () => Promise<unknown>): Promise<boolean> {
    this.unanswered += 1;
    const answer = await run().then(
      () => "ok",
      (error: DebyError) => `${error.code} ${error.outcome}`,
    );
    this.unanswered -= 1;
    this.answers[answer] = (this.answers[answer] ?? 0) + 1;
    if (answer === "ok") this.succeededAt ??= this.#clock.now();
    return answer === "ok";
  }
}

interface Outage {
  readonly clients: number;
  readonly condition: Exclude<Condition, "serving">;
  readonly lastsMs: number;
}

interface Report {
  /** During the outage, `at` counted from the loss. */
  readonly dials: readonly Dial[];
  /** Those of them that were not made at the loss itself, nor as a counted attempt: the watcher's. */
  readonly looks: readonly Dial[];
  readonly mostAtOnce: SimulatedServer["mostAtOnce"];
  /** From the server's return to each client's first success; Infinity where there was none. */
  readonly backAfterMs: readonly number[];
  /** How often each answer came: `ok`, or code and outcome. */
  readonly answers: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly timersLeft: number;
}

const { watchMinMs, watchMaxMs, watchRatio } = defaultSettings;
const BACK_WITHIN_MS = watchMaxMs + 1000;
const SECONDS_AT_PACE = 5;

async function loseAndRegain({ clients: count, condition, lastsMs }: Outage): Promise<Report> {
  const clock = new ManualClock();
  const server = new SimulatedServer(clock);
  const clients: Client[] = [];
  for (let seed = 0; seed < count; seed++) {
    clients.push(new Client(server, clock, seed));
    await clock.advance(1);
  }
  await clock.advance(2000);
  server.dials.length = 0;
  const lostAt = clock.now();
  server.lose(condition);
  await clock.advance(lastsMs);
  const made = server.dials.slice();
  const returnedAt = clock.now();
  server.condition = "serving";
  for (const client of clients) client.succeededAt = undefined;
  await clock.advance(BACK_WITHIN_MS);
  const backAfterMs = clients.map(({ succeededAt = Number.POSITIVE_INFINITY }) => succeededAt - returnedAt);
  for (const client of clients) client.stop();
  await clock.advance(ANSWER_MS);
  const unanswered = clients.reduce((sum, client) => sum + client.unanswered, 0);
  await Promise.all([...clients.map(({ db }) => db.close({ graceMs: 0 })), clock.advance(1000)]);

  const isLook = ({ client, at }: Dial): boolean => at > lostAt && !clients[client]?.attemptsAt.has(at);
  const sinceLoss = ({ client, at }: Dial): Dial => ({ client, at: at - lostAt });
  const answers: Record<string, number> = {};
  for (const [answer, times] of clients.flatMap((client) => Object.entries(client.answers))) {
    answers[answer] = (answers[answer] ?? 0) + times;
  }
  return {
    dials: made.map(sinceLoss),
    looks: made.filter(isLook).map(sinceLoss),
    mostAtOnce: server.mostAtOnce,
    backAfterMs,
    answers,
    unanswered,
    timersLeft: clock.pending,
  };
}

/** How many of them fall together, by what `keyOf` says of each. */
function countBy(dials: readonly Dial[], keyOf: (dial: Dial) => number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const dial of dials) counts.set(keyOf(dial), (counts.get(keyOf(dial)) ?? 0) + 1);
  return counts;
}

function mostOf(counts: ReadonlyMap<number, number>): number {
  return Math.max(0, ...counts.values());
}

/** The watcher's looks in the second that begins at this age of the outage: its pauses are up to 20 % shorter, 10 % on average. */
function looksPerSecond(ageMs: number): number {
  return 1000 / Math.max(watchMinMs, 0.9 * Math.min(watchRatio * ageMs, watchMaxMs));
}

// All come back between two counted attempts, so that it is the watcher who has to notice.
const together: readonly [string, Outage][] = [
  ["a server that refuses for 3 s", { clients: 500, condition: "refusing", lastsMs: 3000 }],
  ["a server that refuses for 33 s", { clients: 500, condition: "refusing", lastsMs: 33_000 }],
  ["a server that is silent for 3 s", { clients: 500, condition: "silent", lastsMs: 3000 }],
  ["a server that is silent for 33 s", { clients: 500, condition: "silent", lastsMs: 33_000 }],
  ["a server that starts up for 3 s", { clients: 500, condition: "starting up", lastsMs: 3000 }],
];

describe.each(together)("500 clients of %s", (_, outage) => {
  let report: Report;
  beforeAll(async () => {
    report = await loseAndRegain(outage);
  }, 180_000);

  test("dial no more than 20 times a second each over the first 5 s", () => {
    const early = report.dials.filter(({ at }) => at < 1000 * SECONDS_AT_PACE);
    expect(mostOf(countBy(early, ({ client }) => client))).toBeLessThanOrEqual(20 * SECONDS_AT_PACE);
  });

  test("dial all together, in each second, no more often than an outage of that age allows", () => {
    for (const [second, count] of countBy(report.dials, ({ at }) => Math.floor(at / 1000))) {
      // Besides the looks there is a counted attempt now and then, and in the first second the probe that decides.
      const others = second === 0 ? 2 : 1;
      expect(count).toBeLessThanOrEqual(outage.clients * (1.05 * looksPerSecond(1000 * second) + others));
    }
  });

  // The counted attempts do, in those that have lost their server together: they all have the same schedule.
  test("do not look in the same instant, apart from the counted attempts", () => {
    const perInstant = countBy(report.looks, ({ at }) => Math.floor(at));
    expect(mostOf(perInstant)).toBeLessThanOrEqual(outage.clients / 5);
  });

  test("have at most a probe on their way, and 4 connections for the pool, be it the attempt and three looks", () => {
    expect(report.mostAtOnce.probes).toBeLessThanOrEqual(2);
    expect(report.mostAtOnce.pool).toBeLessThanOrEqual(4);
  });

  test("are all back within watch-max + 1 s of its return", () => {
    expect(report.backAfterMs.length).toBe(outage.clients);
    expect(Math.max(...report.backAfterMs)).toBeLessThanOrEqual(BACK_WITHIN_MS);
  });

  test("have every statement answered, and leave no timer behind", () => {
    expect([report.unanswered, report.timersLeft]).toEqual([0, 0]);
    const { ok, ...failures } = report.answers;
    expect(ok).toBeGreaterThan(outage.clients);
    // Of an outage that is shorter than the series only the writes hear that were on their way: all else is held.
    if (outage.lastsMs > 3000) return;
    expect(Object.keys(failures).filter((answer) => answer !== "OUTCOME_UNKNOWN unknown")).toEqual([]);
  });
});

// No client knows of another, so that a few of them tell what each does in an hour.
const long: readonly [string, Outage][] = [
  ["a server that refuses for 10 min", { clients: 5, condition: "refusing", lastsMs: 603_000 }],
  ["a server that is silent for 10 min", { clients: 5, condition: "silent", lastsMs: 603_000 }],
  ["a server that refuses for 1 h", { clients: 5, condition: "refusing", lastsMs: 3_603_000 }],
  ["a server that is silent for 1 h", { clients: 5, condition: "silent", lastsMs: 3_603_000 }],
];

describe.each(long)("5 clients of %s", (_, outage) => {
  let report: Report;
  beforeAll(async () => {
    report = await loseAndRegain(outage);
  }, 180_000);

  test("dial no more than once a second each, counted over an hour", () => {
    // The first minute has its share: 1.01 a second over ten minutes.
    const aSecond = outage.lastsMs < 3_600_000 ? 1.05 : 1;
    expect(mostOf(countBy(report.dials, ({ client }) => client))).toBeLessThanOrEqual(
      (aSecond * outage.lastsMs) / 1000,
    );
  });

  test("are all back within watch-max + 1 s of its return", () => {
    expect(report.backAfterMs.length).toBe(outage.clients);
    expect(Math.max(...report.backAfterMs)).toBeLessThanOrEqual(BACK_WITHIN_MS);
  });

  test("have every statement answered, and leave no timer behind", () => {
    expect([report.unanswered, report.timersLeft]).toEqual([0, 0]);
  });
});
