import { describe, expect, test } from "bun:test";
import type { Database } from "../../../src/database/database.ts";
import { openOn } from "../../support/database.ts";
import { OnceWriters } from "../../support/once-writers.ts";
import { postgresVersions } from "../../support/postgres-binaries.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const WRITERS = 20;
const NO_HARM = { lost: [], doubled: [], wrongOutcome: [] };

/** What may be told of a write that is in the primary's table, and not known to be anywhere else. */
const OPEN_ENDS = [
  ["OUTCOME_UNKNOWN", "unknown"],
  ["KEY_IN_PROGRESS", "not-executed"],
  ["DEADLINE_EXCEEDED", "rolled-back"],
  ["DEADLINE_EXCEEDED", "not-executed"],
];

/** Every writer's COMMIT waits for the standby: what can be acknowledged has been. */
async function allWait(pair: ReplicatedPair): Promise<void> {
  const look = async () => (await pair.waitingForStandby()) === WRITERS;
  await waitUntil("all writers wait for the standby", look, { deadlineMs: 20_000 });
}

/** Kills and starts the primary under writers that wait for the standby. */
async function killUnderWaiting(pair: ReplicatedPair): Promise<void> {
  await allWait(pair);
  await pair.primary.kill9();
  await pair.primary.start();
}

function resolutionsOf(db: Database): string[] {
  const outcomes: string[] = [];
  db.on("outcomeResolved", ({ outcome }) => void outcomes.push(outcome));
  return outcomes;
}

describe.each(postgresVersions)("PostgreSQL %i with a synchronous standby", (version) => {
  test("a replay waits for the standby as the first COMMIT did: what is acknowledged survives the primary", async () => {
    await using pair = await ReplicatedPair.start(version);
    const { primary, standby } = pair;
    await pair.makeSynchronous();
    await using opened = openOn(primary);
    const outcomes = resolutionsOf(opened.db);
    await using writers = await OnceWriters.start(opened.db, WRITERS);
    await writers.progress(100);

    await standby.freeze();
    await allWait(pair);
    const { acknowledged } = writers;
    await killUnderWaiting(pair);
    await allWait(pair);
    expect([writers.acknowledged, outcomes]).toEqual([acknowledged, []]);

    standby.thaw();
    await writers.progress(100);
    await waitUntil("each knows what became of it", () => outcomes.length >= WRITERS);
    expect(outcomes).toEqual(Array.from({ length: WRITERS }, () => "committed"));

    await primary.kill9();
    await writers.abandon();
    await pair.promote();
    expect(await writers.compareWith(standby)).toMatchObject(NO_HARM);
  }, 60_000);

  test("nothing is acknowledged that only the primary has, should the standby never come back to it", async () => {
    await using pair = await ReplicatedPair.start(version);
    const { primary, standby } = pair;
    await pair.makeSynchronous();
    await using opened = openOn(primary);
    const outcomes = resolutionsOf(opened.db);
    await using writers = await OnceWriters.start(opened.db, WRITERS);
    await writers.progress(100);

    await standby.kill9();
    await allWait(pair);
    const { acknowledged } = writers;
    await killUnderWaiting(pair);
    await killUnderWaiting(pair);
    await allWait(pair);
    expect([writers.acknowledged, outcomes]).toEqual([acknowledged, []]);

    await primary.kill9();
    await writers.abandon();
    expect(writers.acknowledged).toBe(acknowledged);
    await standby.start();
    await pair.promote();
    expect(await writers.compareWith(standby)).toMatchObject(NO_HARM);
  }, 60_000);

  test("writers whose COMMIT was lost with the primary find its fate on the promoted standby, and go on", async () => {
    await using pair = await ReplicatedPair.start(version);
    const { primary, standby } = pair;
    await pair.makeSynchronous();
    const hosts = [primary, standby].map(({ host, port }) => ({ host, port }));
    await using opened = openOn(primary, {}, { hosts });
    await using writers = await OnceWriters.start(opened.db, WRITERS);
    await writers.progress(100);
    await primary.kill9();
    await pair.promote();
    await writers.progress(100);
    await writers.stop();
    expect(await writers.compareWith(standby)).toMatchObject({ ...NO_HARM, errors: {} });
  }, 60_000);

  test("a deadline that passes meanwhile leaves the outcome unknown, until the standby has it", async () => {
    await using pair = await ReplicatedPair.start(version);
    const { primary, standby } = pair;
    await primary.psql("CREATE TABLE sale (item text NOT NULL)");
    await pair.makeSynchronous();
    await using opened = openOn(primary);
    const { db } = opened;
    await db.once("before", async () => "done");
    await standby.freeze();
    let runs = 0;
    const buy = (with_: Database) =>
      with_.once("late", async (tx) => {
        runs += 1;
        await tx.query`insert into sale values ('late')`;
        return runs;
      });
    const hasty = (): Database => db.with({ deadlineMs: 1000 });
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await buy(hasty()).catch((thrown) => thrown);
      expect([error.code, error.outcome]).toBeOneOf(OPEN_ENDS);
      expect(await hasty().outcome("late")).toBeOneOf(["in-progress", "unknown"]);
    }
    standby.thaw();
    await waitUntil("the outcome is known", async () => (await hasty().outcome("late")) === "committed");
    expect([await buy(db), runs]).toEqual([1, 1]);
    await pair.caughtUp();
    expect(await standby.psql("SELECT item FROM sale")).toEqual([{ item: "late" }]);
  }, 60_000);
});
