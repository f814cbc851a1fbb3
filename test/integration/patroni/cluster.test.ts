import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sessionsOf } from "../../support/database.ts";
import { PatroniCluster, patroniAvailable } from "../../support/patroni.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { PROBE_HBA } from "../../support/writable-probe.ts";
import { median } from "../faults/figures.ts";
import { HostsRun, prepare } from "../hosts/hosts-run.ts";

/** From the moment at which the independent probe sees the new leader writable to the first write that succeeds. */
const WRITES_AGAIN_WITHIN_MS = 500;
/** The figure is the switchovers' median; a single one may meet a machine that has other things to do. */
const ONCE_WITHIN_MS = 2000;
/** Where no socket closes: stall-after, 2 s, and as long again. */
const STALL_NOTICED_WITHIN_MS = 4000;
const SWITCHOVERS = 5;
/** Fills the lease's rest, an election, a restart and a rewind. */
const LIMIT_MS = 240_000;

describe.skipIf(!patroniAvailable)("under Patroni, with a synchronous standby and all at work", () => {
  let cluster: PatroniCluster;
  beforeAll(async () => {
    cluster = await PatroniCluster.start({ isSynchronous: true, hba: [PROBE_HBA] });
    await prepare(await cluster.leader());
  }, LIMIT_MS);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test(
    "switchovers end no request for the role of its server, and lose nothing",
    async () => {
      await using run = await HostsRun.start(cluster.nodes);
      const lags: number[] = [];
      await run.strike(async () => {
        for (let count = 0; count < SWITCHOVERS; count++) {
          await run.load.progress(200);
          const since = performance.now();
          const leader = await cluster.switchover();
          lags.push(await run.appLag(leader, since));
          await run.load.allWrite(performance.now());
          await cluster.waitWhole();
        }
      });
      tell("switchovers", lags);
      expect(await sessionsOf(cluster.otherThan(await cluster.leader()), "deby")).toBe(0);
      const { broken, lost } = await run.verdict(await cluster.leader(), SWITCHOVERS);
      expect([broken, lost]).toEqual([[], []]);
      expect(median(lags)).toBeLessThanOrEqual(WRITES_AGAIN_WITHIN_MS);
    },
    LIMIT_MS,
  );

  test(
    "kill -9 of the leader's Patroni and Postgres loses nothing, and writes succeed as soon as the other leads",
    async () => {
      await using run = await HostsRun.start(cluster.nodes);
      const lag = await run.strike(async () => {
        await run.load.progress(200);
        const since = performance.now();
        const killed = await cluster.killLeader();
        const lagMs = await run.appLag(await cluster.leader(), since);
        await run.load.allWrite(performance.now());
        await cluster.restart(killed);
        await run.load.progress(200);
        return lagMs;
      });
      tell("kill -9", [lag]);
      const { broken, lost } = await run.verdict(await cluster.leader(), 1);
      expect([broken, lost]).toEqual([[], []]);
      expect(lag).toBeLessThanOrEqual(ONCE_WITHIN_MS);
    },
    LIMIT_MS,
  );

  test(
    "an etcd that keeps silent makes Patroni take the leader away: reads go on, writes wait until it is given back",
    async () => {
      await using run = await HostsRun.start(cluster.nodes);
      const lag = await run.strike(async () => {
        await run.load.progress(200);
        const since = performance.now();
        cluster.etcd.freeze();
        await waitUntil("nobody leads", () => run.health.last?.state === "read-only", { deadlineMs: 20_000 });
        cluster.etcd.thaw();
        const lagMs = await run.appLag(await cluster.leader(), since);
        await run.load.allWrite(performance.now());
        await cluster.waitWhole();
        return lagMs;
      });
      tell("a silence of etcd", [lag]);
      const { broken, lost } = await run.verdict(await cluster.leader(), 1);
      expect([broken, lost]).toEqual([[], []]);
      expect(lag).toBeLessThanOrEqual(ONCE_WITHIN_MS);
    },
    LIMIT_MS,
  );

  test(
    "kill -9 of the leader's Patroni alone leaves two servers that take writes: the one that was promoted is used",
    async () => {
      await using run = await HostsRun.start(cluster.nodes);
      const deposed = await cluster.leader();
      const lag = await run.strike(async () => {
        // Past the first heartbeat, which would find out by chance.
        await run.load.progress(2000);
        const since = performance.now();
        await deposed.killPatroni();
        const writableAt = await run.probe.writable(cluster.otherThan(deposed), since);
        await run.load.allWrite(writableAt);
        return performance.now() - writableAt;
      });
      tell("kill -9 of Patroni alone", [lag]);
      const { address, used } = await waitUntil("it is told", () => run.logged("db.host-refused")[0]);
      expect([address, used]).toEqual([deposed, cluster.otherThan(deposed)].map(({ port }) => `127.0.0.1:${port}`));
      // The deposed one keeps its COMMITs waiting for a standby that does not come back.
      const { broken, lost } = await run.verdict(cluster.otherThan(deposed), 1);
      expect([broken, lost]).toEqual([[], []]);
      expect(lag).toBeLessThanOrEqual(STALL_NOTICED_WITHIN_MS);
    },
    LIMIT_MS,
  );
});

function tell(what: string, lags: readonly number[]): void {
  console.log(`writes after ${what}: ${lags.map((ms) => ms.toFixed(0)).join(", ")} ms`);
}
