import type { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import type { PgBouncer } from "../../support/pgbouncer.ts";
import type { PostgresServer } from "../../support/postgres.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { POOL_MAX } from "./fault.ts";
import { isSuccess, type LedgerEntry, tookMs } from "./ledger.ts";
import type { Served } from "./served.ts";
import type { Stage } from "./stage.ts";

/** One outage; times are those of `performance.now()`. */
export interface Outage {
  /** When the command that breaks it was given. */
  readonly breakingAt: number;
  /** When the server closed its sockets, which it does in its own time; undefined where it closes none. */
  closedAt: number | undefined;
  /** From here on nothing can get through. */
  brokenAt: number | undefined;
  /** When deby was seen to have noticed, by other signs than its health. */
  noticedAt: number | undefined;
  /** Until here it was proven that nothing got through; undefined where something may have. */
  totalUntil: number | undefined;
  /** When the server accepted connections again, or the network carried again. */
  healedAt: number | undefined;
  /** How long a bare client took to be served afterwards; undefined where there was none. */
  peerMs?: number;
}

/** How long an outage lasts at least, so that there is something to hold. */
const OUTAGE_MS = 1000;

/** A fault under way: what it can lay hands on, and when things happened. */
export class FaultRun {
  readonly server: PostgresServer;
  readonly proxy: FaultProxy;
  readonly stage: Stage;
  readonly served: Served;
  readonly segment: number;
  /** Of deby's output: what it said before is not about this fault. */
  readonly firstLine: number;
  readonly startedAt = performance.now();
  readonly outages: Outage[] = [];
  /** When the last thing was set right that the fault had harmed; the table is compared some time later. */
  thawedAt = performance.now();

  constructor(stage: Stage, served: Served, segment: number) {
    this.stage = stage;
    this.server = stage.server;
    this.proxy = stage.proxy;
    this.served = served;
    this.segment = segment;
    this.firstLine = served.process.lines.length;
  }

  /** Only on a stage with a PgBouncer. */
  get pooler(): PgBouncer {
    const { pooler } = this.stage;
    if (pooler === undefined) throw new Error("There is no PgBouncer on this stage");
    return pooler;
  }

  breaking(): void {
    const unknown = {
      closedAt: undefined,
      brokenAt: undefined,
      noticedAt: undefined,
      totalUntil: undefined,
      healedAt: undefined,
    };
    this.outages.push({ breakingAt: performance.now(), ...unknown });
  }

  closed(at: number): void {
    this.#outage.closedAt = at;
  }

  broken(): void {
    this.#outage.brokenAt = performance.now();
  }

  noticed(at: number): void {
    this.#outage.noticedAt = at;
  }

  healed(at = performance.now()): void {
    this.#outage.healedAt = at;
    this.thawed();
  }

  peerServed(afterMs: number): void {
    this.#outage.peerMs = afterMs;
  }

  /** What deby had given up, but the server may still learn of, is on its way now. */
  thawed(): void {
    this.thawedAt = performance.now();
  }

  /** Waits until health is not `ok` since the break, and the outage has lasted a while. */
  async detected(options: { readonly deadlineMs?: number; readonly outageMs?: number } = {}): Promise<void> {
    const { deadlineMs = 10_000, outageMs = OUTAGE_MS } = options;
    const { breakingAt } = this.#outage;
    const { health } = this.served;
    await waitUntil("health tells of the trouble", () => health.firstTrouble(breakingAt), { deadlineMs, everyMs: 5 });
    const leftMs = breakingAt + outageMs - performance.now();
    if (leftMs > 0) await Bun.sleep(leftMs);
  }

  /** As `detected`, and until deby has declared the outage. */
  async declared(options: { readonly outageMs?: number } = {}): Promise<void> {
    await this.detected(options);
    await this.state("reconnecting");
  }

  /** Waits until health tells this state. */
  async state(name: string, deadlineMs = 10_000): Promise<void> {
    await waitUntil(`health tells ${name}`, () => this.served.health.last?.state === name, { deadlineMs, everyMs: 5 });
  }

  /** Proves that the break is one: nothing that was sent after it has succeeded. */
  nothingGotThrough(): void {
    const { brokenAt = Number.POSITIVE_INFINITY } = this.#outage;
    const through = this.served.client.entries.filter((entry) => entry.sentAt >= brokenAt && isSuccess(entry));
    if (through.length > 0) throw new Error(`The fault is none: ${through.length} requests succeeded during it`);
    this.#outage.totalUntil = performance.now();
  }

  /** Waits until the service is whole: health is `ok`, and each worker has had a success since the healing. */
  async recovered(deadlineMs = 15_000): Promise<void> {
    const since = this.outages.at(-1)?.healedAt ?? this.startedAt;
    await this.served.load.allSucceed(since, deadlineMs);
    await waitUntil("health is ok again", () => this.served.health.last?.status === "ok", { deadlineMs });
  }

  /** The requests of this run so far. */
  get entries(): readonly LedgerEntry[] {
    return this.served.client.entries.filter(({ segment }) => segment === this.segment);
  }

  /** Waits until every request of this run has ended. */
  async answered(deadlineMs = 60_000): Promise<void> {
    await waitUntil("every request has ended", () => this.entries.every(({ ending }) => ending !== "open"), {
      deadlineMs,
    });
  }

  /** Waits until so many more requests have succeeded. */
  async progress(count: number, deadlineMs = 10_000): Promise<void> {
    const since = performance.now();
    const look = () => this.entries.filter((entry) => entry.sentAt >= since && isSuccess(entry)).length >= count;
    await waitUntil(`${count} more successes`, look, { deadlineMs });
  }

  /** Asks for more than the workers do, so that no connection of the pool is left alone. */
  async useAllConnections(): Promise<void> {
    const request = { kind: "read", method: "GET", path: "/faults/hold/100" } as const;
    await Promise.all(Array.from({ length: POOL_MAX }, () => this.served.client.send(request)));
  }

  /** Waits until a request that met the fault has taken so long, however it ended. */
  async somebodyStalled(forMs: number, deadlineMs = 15_000): Promise<void> {
    const { breakingAt } = this.#outage;
    const hasStalled = (entry: LedgerEntry) => (entry.endedAt ?? 0) > breakingAt && tookMs(entry) >= forMs;
    await waitUntil(`a request has stalled for ${forMs} ms`, () => this.entries.some(hasStalled), { deadlineMs });
  }

  get #outage(): Outage {
    const last = this.outages.at(-1);
    if (last === undefined) throw new Error("Nothing is broken yet");
    return last;
  }
}
