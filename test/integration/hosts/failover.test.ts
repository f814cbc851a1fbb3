import { describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { sessionsOf } from "../../support/database.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { serve } from "../../support/serve.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { PROBE_HBA } from "../../support/writable-probe.ts";
import { median } from "../faults/figures.ts";
import { isSuccess } from "../faults/ledger.ts";
import { environmentOf, HostsRun, prepare, readTable } from "./hosts-run.ts";

/** From the moment at which the independent probe sees the new primary writable to the first write that succeeds. */
const WRITES_AGAIN_WITHIN_MS = 500;
/** The figure is their median; */
const ROUNDS = 10;
/** a single one may meet a machine that has other things to do. */
const ONCE_WITHIN_MS = 2000;
/** A server that keeps silent under load is given up after stall-after, 2 s, and at most as long again. */
const FROZEN_NOTICED_WITHIN_MS = 4000;
/** Of a write, for a server that takes it. */
const WRITES_HELD_MS = 20_000;

async function startPair(): Promise<ReplicatedPair> {
  const pair = await ReplicatedPair.start(oldestPostgres, { hba: PROBE_HBA });
  await prepare(pair.primary);
  return pair;
}

function startRun(pair: ReplicatedPair): Promise<HostsRun> {
  return HostsRun.start([pair.primary, pair.standby]);
}

/** Kills the primary under load and promotes the standby; how much later writes succeeded than they could have. */
function failOver(pair: ReplicatedPair, run: HostsRun): Promise<number> {
  return run.strike(async () => {
    await run.load.progress(200);
    const since = performance.now();
    await pair.killPrimary();
    await pair.promote();
    const lagMs = await run.appLag(pair.standby, since);
    await run.load.allWrite(performance.now());
    return lagMs;
  });
}

function tell(what: string, lags: readonly number[]): void {
  console.log(`writes after ${what}: ${lags.map((ms) => ms.toFixed(0)).join(", ")} ms`);
}

test("the primary is killed and its synchronous standby promoted: writes go on at once, nothing acknowledged is missing", async () => {
  const lags: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await using pair = await startPair();
    await pair.makeSynchronous();
    await using run = await startRun(pair);
    lags.push(await failOver(pair, run));
    const { broken, lost } = await run.verdict(pair.standby, 1);
    expect([broken, lost]).toEqual([[], []]);
  }
  tell("promotions", lags);
  expect(median(lags)).toBeLessThanOrEqual(WRITES_AGAIN_WITHIN_MS);
}, 300_000);

test("an asynchronous standby is promoted: only what it never got is missing, and no answer claims anything wrong", async () => {
  await using pair = await startPair();
  await using run = await startRun(pair);
  await run.load.progress(200);
  const replicated = new Set(run.client.entries.filter(isSuccess).map(({ id }) => id));
  await pair.caughtUp();
  await pair.stopReplication();
  const lagMs = await failOver(pair, run);
  tell("an asynchronous promotion", [lagMs]);
  const { broken, lost } = await run.verdict(pair.standby, 1);
  expect(broken).toEqual([]);
  expect(lost.filter(({ id }) => replicated.has(id))).toEqual([]);
  // They were acknowledged rightly: the old primary has each of them, once.
  expect(lost.length).toBeGreaterThan(0);
  await pair.primary.start();
  const kept = await readTable(pair.primary);
  expect(lost.filter(({ id = "" }) => kept.get(id) !== 1)).toEqual([]);
}, 60_000);

test("a frozen primary is replaced by its standby; once it thaws, nothing that it still runs was acknowledged", async () => {
  await using pair = await startPair();
  await pair.makeSynchronous();
  await using run = await startRun(pair);
  const lagMs = await run.strike(async () => {
    // Past the first heartbeat, which would find out by chance.
    await run.load.progress(2000);
    const since = performance.now();
    await pair.primary.freeze();
    await pair.promote();
    const lag = await run.appLag(pair.standby, since);
    await run.load.allWrite(performance.now());
    return lag;
  });
  tell("a promotion in place of a frozen primary", [lagMs]);
  expect(lagMs).toBeLessThanOrEqual(FROZEN_NOTICED_WITHIN_MS);
  pair.primary.thaw();
  await run.load.progress(500);
  const { broken, lost } = await run.verdict(pair.standby, 1);
  expect([broken, lost]).toEqual([[], []]);
}, 60_000);

test("an old primary that comes back is refused and reported, by who runs and by who starts; it is left alone", async () => {
  await using pair = await startPair();
  await using run = await HostsRun.start([pair.primary, pair.standby], { env: { DEBY_HEARTBEAT_INTERVAL: "500ms" } });
  await failOver(pair, run);
  await pair.primary.start();
  await using late = await startRun(pair);
  for (const one of [run, late]) {
    const [refused] = await waitUntil("the old primary is refused", () => {
      const lines = one.logged("db.host-refused");
      return lines.length > 0 && lines;
    });
    expect(refused).toMatchObject({
      level: "error",
      address: `127.0.0.1:${pair.primary.port}`,
      timeline: 1,
      used: `127.0.0.1:${pair.standby.port}`,
      usedTimeline: 2,
    });
  }
  // Who starts with both there takes the faster one on a busy machine, and leaves it at the first heartbeat.
  await waitUntil("nobody is with the old primary", async () => (await sessionsOf(pair.primary, "deby")) === 0);
  const since = performance.now();
  const before = await readTable(pair.primary);
  await Promise.all([run.load.progress(200), late.load.progress(200)]);
  // Whoever loses the connections to the right one must not end up with the other.
  await pair.standby.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deby'");
  await Promise.all([run.load.progress(200), late.load.progress(200)]);
  expect(await sessionsOf(pair.primary, "deby")).toBe(0);
  await late.load.stop();
  await run.load.stop();
  expect((await readTable(pair.primary)).size).toBe(before.size);
  const table = await readTable(pair.standby);
  const missing = [...late.client.entries].filter(
    (one) => one.sentAt >= since && isSuccess(one) && one.id && one.kind !== "read" && !table.has(one.id),
  );
  expect(missing).toEqual([]);
}, 60_000);

test("an old primary that is there alone gets nothing; requests wait for the one that had replaced it", async () => {
  await using pair = await startPair();
  await using run = await startRun(pair);
  await failOver(pair, run);
  await run.load.progress(200);
  await pair.standby.kill9();
  await waitUntil("the loss is noticed", () => run.health.last?.state !== "up");
  await pair.primary.start();
  const before = await readTable(pair.primary);
  await waitUntil("the old primary is refused", () => run.logged("db.host-refused").length > 0);
  await Bun.sleep(2000);
  expect((await readTable(pair.primary)).size).toBe(before.size);
  await pair.standby.start();
  await run.load.allWrite(performance.now());
  const { broken, lost } = await run.verdict(pair.standby, 2);
  const unreplicated = await readTable(pair.primary);
  expect([broken, lost.filter(({ id = "" }) => !unreplicated.has(id))]).toEqual([[], []]);
}, 60_000);

test("a switch-over whose old primary becomes the standby ends no request for the role of its server", async () => {
  await using pair = await startPair();
  await pair.makeSynchronous();
  await using run = await startRun(pair);
  const lagMs = await run.strike(async () => {
    await run.load.progress(200);
    const since = performance.now();
    await pair.switchOver();
    const lag = await run.appLag(pair.standby, since);
    await run.load.allWrite(performance.now());
    await run.load.progress(500);
    return lag;
  });
  tell("a switch-over", [lagMs]);
  expect(await sessionsOf(pair.primary, "deby")).toBe(0);
  const { broken, lost } = await run.verdict(pair.standby, 1);
  expect([broken, lost]).toEqual([[], []]);
  expect(lagMs).toBeLessThanOrEqual(ONCE_WITHIN_MS);
}, 60_000);

test("a primary that is only restarted is found again; reads went on from the standby meanwhile", async () => {
  await using pair = await startPair();
  await using run = await startRun(pair);
  const lagMs = await run.strike(async () => {
    await run.load.progress(200);
    await pair.caughtUp();
    const since = performance.now();
    await pair.primary.stop();
    await waitUntil("the state is read-only", () => run.health.last?.state === "read-only");
    expect((await countReads(run, 2000)).succeeded).toBeGreaterThan(50);
    await pair.primary.start();
    const lag = await run.appLag(pair.primary, since);
    await run.load.allWrite(performance.now());
    return lag;
  });
  tell("a restart", [lagMs]);
  expect(await sessionsOf(pair.standby, "deby")).toBe(0);
  const { broken, lost } = await run.verdict(pair.primary, 1);
  expect([broken, lost]).toEqual([[], []]);
  expect(lagMs).toBeLessThanOrEqual(ONCE_WITHIN_MS);
}, 60_000);

describe("a standby alone", () => {
  test("serves reads; writes are held for 20 s, and then answered with READ_ONLY", async () => {
    await using pair = await startPair();
    await using run = await startRun(pair);
    await run.load.progress(200);
    await pair.caughtUp();
    await pair.primary.stop();
    const { at: readOnlyAt } = await waitUntil("the state is read-only", () => {
      const { last } = run.health;
      return last?.state === "read-only" && last;
    });
    const [first, reads] = await Promise.all([put(run), countReads(run, WRITES_HELD_MS / 2)]);
    expect(reads.failed).toEqual([]);
    expect(reads.succeeded).toBeGreaterThan(100);
    expect(first).toMatchObject({ status: 503, retryAfter: "1", code: "READ_ONLY", outcome: "not-executed" });
    expect(first.answeredAt - readOnlyAt).toBeWithin(WRITES_HELD_MS - 1000, WRITES_HELD_MS + 2000);
    // From then on nobody waits in vain.
    const next = await put(run);
    expect(next).toMatchObject({ status: 503, retryAfter: "1", code: "READ_ONLY" });
    expect(next.tookMs).toBeLessThan(1000);

    await pair.promote();
    await run.load.allWrite(performance.now());
    expect((await put(run)).status).toBe(201);
  }, 90_000);

  test("is enough to start with: the server listens, and the first write waits for the promotion", async () => {
    await using pair = await startPair();
    await pair.caughtUp();
    await pair.primary.stop();
    const { primary, standby } = pair;
    await using deby = await serve({
      until: "listening",
      args: ["--canary"],
      env: environmentOf([primary, standby], standby.database),
    });
    await deby.waitForState("read-only");
    expect((await deby.fetch("/readyz")).status).toBe(200);
    const writing = put(deby);
    await waitUntil("the write is held", async () => {
      const { pool } = (await (await deby.fetch("/api/pool")).json()) as { pool: { held: number } };
      return pool.held > 0;
    });
    await pair.promote();
    expect((await writing).status).toBe(201);
  });
});

/** A write, what was answered, and when. */
async function put({ url }: { readonly url: string }) {
  const sentAt = performance.now();
  const response = await fetch(`${url}/api/canary/${randomUUID()}`, { method: "PUT" });
  const { code, outcome } = (await response.json()) as { code?: string; outcome?: string };
  const answeredAt = performance.now();
  const { status, headers } = response;
  return { status, retryAfter: headers.get("retry-after"), code, outcome, answeredAt, tookMs: answeredAt - sentAt };
}

/** What becomes of the reads that are sent from now on, for so long. */
async function countReads({ client }: HostsRun, forMs: number) {
  const since = performance.now();
  await Bun.sleep(forMs);
  const reads = client.entries.filter(
    ({ kind, sentAt, ending }) => kind === "read" && sentAt >= since && ending !== "open",
  );
  return { succeeded: reads.filter(isSuccess).length, failed: reads.filter((entry) => !isSuccess(entry)) };
}
