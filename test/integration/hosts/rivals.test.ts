import { expect, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type OpenedDatabase, openOn, sessionsOf } from "../../support/database.ts";
import { freePort } from "../../support/ports.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const STARTS = 5;

/** A pair whose standby was promoted although its primary goes on, and a slow way to the promoted one. */
async function startRivals(latencyMs: number) {
  const pair = await ReplicatedPair.start(oldestPostgres);
  const { primary, standby } = pair;
  const target = { host: standby.host, port: standby.port };
  const proxy = await FaultProxy.listen({ target, port: await freePort(), clock: systemClock });
  await proxy.setAll({ kind: "latency", delayMs: latencyMs });
  await pair.promote();
  return {
    primary,
    hosts: [primary, proxy].map(({ port }) => ({ host: "127.0.0.1", port })),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await pair[Symbol.asyncDispose]();
    },
  };
}

/** As many at once as the pool has connections. */
async function useAll({ db }: OpenedDatabase): Promise<void> {
  await Promise.all(Array.from({ length: 20 }, () => db.read`select pg_sleep(0.2)`));
}

test("a search that another one has ended chooses nobody: the later primary is used, though its logins are slow", async () => {
  // Slower than the pause before a second search, and faster than the first one's patience.
  await using rivals = await startRivals(10);
  for (let start = 0; start < STARTS; start++) {
    await using opened = openOn(rivals.primary, {}, { hosts: rivals.hosts });
    await useAll(opened);
    expect(await sessionsOf(rivals.primary, "deby")).toBe(0);
    expect(opened.states).toEqual(["up"]);
  }
}, 60_000);

test("a later primary that takes its time to let us in is not missed", async () => {
  await using rivals = await startRivals(40);
  await using opened = openOn(rivals.primary, {}, { hosts: rivals.hosts });
  await useAll(opened);
  const hasLeft = async () => (await sessionsOf(rivals.primary, "deby")) === 0;
  await waitUntil("the earlier primary is left", hasLeft, { deadlineMs: 5000 });
  await useAll(opened);
  expect(await sessionsOf(rivals.primary, "deby")).toBe(0);
}, 60_000);
