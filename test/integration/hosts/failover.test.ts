import { describe, expect, test } from "bun:test";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { PROBE_HBA } from "../../support/writable-probe.ts";
import { median } from "../faults/figures.ts";
import { HostsRun, prepare } from "./hosts-run.ts";

/** From the moment at which the independent probe sees the new primary writable to the first write that succeeds. */
const WRITES_AGAIN_WITHIN_MS = 500;
/** The figure is a median of ten, of which the usual run takes three: DEBY_TEST_ROUNDS=10. */
const ROUNDS = Number(process.env["DEBY_TEST_ROUNDS"] ?? 3);

async function startPair(): Promise<ReplicatedPair> {
  const pair = await ReplicatedPair.start(oldestPostgres, { hba: PROBE_HBA });
  await prepare(pair.primary);
  return pair;
}

/** Kills the primary under load and promotes the standby; how long writes took to succeed again, and the verdict. */
async function failOver(pair: ReplicatedPair, run: HostsRun) {
  const lagMs = await run.strike(async () => {
    await run.load.progress(200);
    const since = performance.now();
    await pair.killPrimary();
    await pair.promote();
    const lag = await run.appLag(pair.standby, since);
    await run.load.allWrite(performance.now());
    return lag;
  });
  return { lagMs, ...(await run.verdict(pair.standby, 1)) };
}

describe("a primary that is killed, and its standby promoted", () => {
  test(
    "with synchronous replication nothing acknowledged is missing, and writes succeed as soon as somebody takes them",
    async () => {
      const lags: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await using pair = await startPair();
        await pair.makeSynchronous();
        await using run = await HostsRun.start([pair.primary, pair.standby]);
        const { lagMs, broken, lost } = await failOver(pair, run);
        expect([broken, lost]).toEqual([[], []]);
        lags.push(lagMs);
      }
      console.log(`writes after a promotion: ${lags.map((ms) => ms.toFixed(0)).join(", ")} ms`);
      expect(median(lags)).toBeLessThanOrEqual(WRITES_AGAIN_WITHIN_MS);
    },
    20_000 + ROUNDS * 20_000,
  );
});
