import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { HostPort } from "../../../src/config/types.ts";
import type { Database } from "../../../src/database/database.ts";
import { BlackHole } from "../../support/black-hole.ts";
import { openOn } from "../../support/database.ts";
import { freePort } from "../../support/ports.ts";
import { oldestPostgres } from "../../support/postgres-binaries.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { median } from "../faults/figures.ts";

/** The next host is dialled when the one before has been silent for so long. */
const STAGGER_MS = 250;
/** Of a busy machine's clock, between two runs of the same. */
const SLACK_MS = 50;
const ROUNDS = 5;

const hostOf = ({ host, port }: HostPort): HostPort => ({ host, port });

let hole: BlackHole;
beforeAll(async () => {
  hole = await BlackHole.open();
});
afterAll(() => hole[Symbol.asyncDispose]());

describe("a host that swallows every dial and one that refuses, in front of the good one", () => {
  test("cost a start no more than one pause between dials", async () => {
    await using pair = await ReplicatedPair.start(oldestPostgres);
    const good = hostOf(pair.primary);
    const alone: number[] = [];
    const among: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await startMs(pair, [good]));
      among.push(await startMs(pair, [hostOf(hole), { host: "127.0.0.1", port: await freePort() }, good]));
    }
    tell("a start", alone, among);
    expect(medianOf(among) - medianOf(alone)).toBeLessThanOrEqual(STAGGER_MS + SLACK_MS);
  });

  test("cost a failover no more than one pause between dials", async () => {
    const alone: number[] = [];
    const among: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await failoverMs([]));
      among.push(await failoverMs([hostOf(hole)]));
    }
    tell("a failover", alone, among);
    expect(medianOf(among) - medianOf(alone)).toBeLessThanOrEqual(STAGGER_MS + SLACK_MS);
  }, 60_000);
});

/** How long a fresh database takes to be up. */
async function startMs({ primary }: ReplicatedPair, hosts: readonly HostPort[]): Promise<number> {
  const startedAt = performance.now();
  await using opened = openOn(primary, {}, { hosts });
  await untilUp(opened.db);
  return performance.now() - startedAt;
}

/**
 * How long after the command to promote a write succeeds, with these hosts in front of the pair; the killed primary is the one
 * that refuses.
 */
async function failoverMs(bad: readonly HostPort[]): Promise<number> {
  await using pair = await ReplicatedPair.start(oldestPostgres);
  const { primary, standby } = pair;
  await using opened = openOn(primary, {}, { hosts: [...bad, hostOf(primary), hostOf(standby)] });
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  await pair.killPrimary();
  // A write that is sent before is lost with its connection.
  await waitUntil("the loss is noticed", () => db.state().name !== "up", { everyMs: 1 });
  const written = db.query`insert into t values (1)`.then(() => performance.now());
  const promotedAt = performance.now();
  await pair.promote();
  return (await written) - promotedAt;
}

async function untilUp(db: Database): Promise<void> {
  await waitUntil("the database is up", () => db.state().name === "up", { everyMs: 1 });
}

function medianOf(values: readonly number[]): number {
  return median(values) ?? Number.NaN;
}

function tell(what: string, alone: readonly number[], among: readonly number[]): void {
  const list = (values: readonly number[]) => values.map((ms) => ms.toFixed(0)).join(", ");
  console.log(
    `${what} with the good host alone: ${list(alone)} ms; behind a black hole and a refusal: ${list(among)} ms`,
  );
}
