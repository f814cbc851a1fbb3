import { connect, type Socket } from "node:net";
import { startupMessage } from "./startup-message.ts";
import { waitUntil } from "./wait-until.ts";

/** The probe's role, to be made on the primary. */
export const PROBE_ROLE = "writable_probe";
/** For pg_hba.conf, in front of other lines: lets the probe in without a password, so that it needs no more protocol. */
export const PROBE_HBA = `host postgres ${PROBE_ROLE} 127.0.0.1/32 trust`;

const EVERY_MS = 10;
/** How long an answer may take; then the connection is made anew. */
const LIMIT_MS = 500;
const STARTUP = startupMessage({ user: PROBE_ROLE, database: "postgres" });
const QUESTION = simpleQuery("SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)");

export interface ProbedHost {
  readonly host: string;
  readonly port: number;
}

/** A row of one column with one character, which follows. */
const ONE_CHARACTER = "D\0\0\0\u000b\0\u0001\0\0\0\u0001";

/** A host became writable, read-only, or unreachable; `at` by `performance.now()`, when its answer came. */
export interface WritableSighting extends ProbedHost {
  readonly at: number;
  readonly found: "writable" | "read-only" | "away";
}

/**
 * Asks each of several hosts every 10 ms whether it takes writes, over a connection of its own that is made again when
 * it is lost, and keeps each answer that differs from the one before. It shares no code with the product.
 */
export class WritableProbe implements AsyncDisposable {
  readonly changes: WritableSighting[] = [];
  readonly #running: Promise<unknown>;
  #isStopped = false;

  constructor(hosts: readonly ProbedHost[]) {
    this.#running = Promise.all(hosts.map((host) => this.#watch(host)));
  }

  /** When this host was first seen writable after `since`, in which it was not; waits for it. */
  async writable({ port }: ProbedHost, since: number, deadlineMs = 30_000): Promise<number> {
    const seen = () => this.changes.find((one) => one.port === port && one.at >= since && one.found === "writable");
    return (await waitUntil(`port ${port} is writable`, seen, { deadlineMs, everyMs: 2 })).at;
  }

  /** When a host that was writable was last seen not to be any more, before that moment. */
  lastLoss(before: number): number | undefined {
    const isLoss = (one: WritableSighting) => {
      const earlier = this.changes.filter(({ port, at }) => port === one.port && at < one.at);
      return one.at < before && one.found !== "writable" && earlier.at(-1)?.found === "writable";
    };
    return this.changes.findLast(isLoss)?.at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #watch(host: ProbedHost): Promise<void> {
    let last: WritableSighting["found"] | undefined;
    let session: Session | undefined;
    while (!this.#isStopped) {
      const askedAt = performance.now();
      session ??= new Session(host);
      const found = await session.ask();
      if (found !== last) this.changes.push({ host: host.host, port: host.port, at: performance.now(), found });
      last = found;
      if (found === "away") session = session.end();
      await Bun.sleep(Math.max(1, EVERY_MS - (performance.now() - askedAt)));
    }
    session?.end();
  }
}

/** One connection; the first question is its login. */
class Session {
  readonly #socket: Socket;
  #received = "";
  #isLost = false;
  #isReady: (() => void) | undefined;

  constructor({ host, port }: ProbedHost) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("connect", () => this.#socket.write(STARTUP));
    this.#socket.on("data", (bytes) => this.#read(bytes));
    this.#socket.on("error", () => this.#lose());
    this.#socket.on("close", () => this.#lose());
  }

  async ask(): Promise<WritableSighting["found"]> {
    if (this.#received === "" && !(await this.#ready())) return "away";
    this.#received = "";
    this.#socket.write(QUESTION);
    if (!(await this.#ready())) return "away";
    return this.#received.includes(`${ONE_CHARACTER}t`) ? "writable" : "read-only";
  }

  end(): undefined {
    this.#socket.destroy();
    return undefined;
  }

  /** Whether the server is ready for the next question, before too long. */
  async #ready(): Promise<boolean> {
    if (this.#isLost) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#isReady = resolve;
    const timer = setTimeout(() => this.#lose(), LIMIT_MS);
    await promise;
    clearTimeout(timer);
    return !this.#isLost;
  }

  #read(bytes: Buffer): void {
    this.#received += bytes.toString("latin1");
    if (this.#received.endsWith("Z\0\0\0\u0005I")) this.#isReady?.();
  }

  #lose(): void {
    this.#isLost = true;
    this.#isReady?.();
  }
}

function simpleQuery(sql: string): Buffer {
  const head = Buffer.from("Q\0\0\0\0");
  head.writeInt32BE(4 + sql.length + 1, 1);
  return Buffer.concat([head, Buffer.from(`${sql}\0`)]);
}
