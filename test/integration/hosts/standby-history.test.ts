import { expect, test } from "bun:test";
import { openOn } from "../../support/database.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

function openReading(pair: ReplicatedPair, user: string) {
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  const opened = openOn(pair.primary, { readFrom: "prefer-standby", heartbeatIntervalMs: 500 }, { hosts, user });
  const { db } = opened;
  const portRead = async () => (await db.read<{ port: number }>`select inet_server_port() as port`)[0]?.port;
  const isUsed = () => db.stats().standby?.isUsed === true;
  return { ...opened, portRead, isUsed };
}

/** Waits until a standby was asked for its position after this moment. */
async function askedAgain(standby: PostgresServer): Promise<void> {
  const [since] = await standby.psql<{ at: string }>("SELECT clock_timestamp()::text AS at");
  await waitUntil("it is asked for its position", async () => {
    const [row] = await standby.psql<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity
        WHERE query LIKE '%received_tli%' AND query_start > '${since?.at}' AND pid <> pg_backend_pid()`,
    );
    return row?.count === 1;
  });
}

test("a standby that follows a promoted primary is read from at once, also where its role may not ask for the timeline", async () => {
  await using pair = await ReplicatedPair.start(15);
  await pair.primary.psql(`CREATE ROLE ordinary LOGIN PASSWORD '${pair.primary.password}'`);
  await pair.caughtUp();
  await pair.switchOver();
  for (const user of [pair.primary.user, "ordinary"]) {
    await using opened = openReading(pair, user);
    await waitUntil(`the standby is used by ${user}`, opened.isUsed);
    expect(await opened.portRead()).toBe(pair.primary.port);
  }
}, 60_000);

test("a standby that went on without the primary's history is never read from, also when the primary has overtaken it", async () => {
  await using pair = await ReplicatedPair.start(15);
  const { primary: left, standby: promoted } = pair;
  await left.psql("CREATE TABLE branch (id int)");
  await pair.caughtUp();
  promoted.configure({ settings: { primary_conninfo: "" } });
  await promoted.reload();
  await waitUntil("nothing is streamed any more", async () => {
    const [row] = await left.psql<{ count: number }>("SELECT count(*)::int AS count FROM pg_stat_replication");
    return row?.count === 0;
  });
  await left.psql("INSERT INTO branch SELECT generate_series(1, 10000)");
  await left.stop();
  await pair.promote();
  left.configure({ files: { "standby.signal": "" } });
  await left.start();

  await using opened = openReading(pair, promoted.user);
  const { db, isUsed, portRead } = opened;
  const told: boolean[] = [];
  db.on("standbyReads", ({ isUsed, isApart }) => void told.push(isUsed, isApart));
  await waitUntil("it is found to be apart", () => told.length > 0);
  expect(told).toEqual([false, true]);
  await db.query`insert into branch select generate_series(1, 20000)`;
  const [behind] = await left.psql<{ lsn: string }>("SELECT pg_last_wal_replay_lsn()::text AS lsn");
  const [ahead] = await promoted.psql<{ is: boolean }>(`SELECT pg_current_wal_lsn() > '${behind?.lsn}' AS is`);
  expect(ahead?.is).toBe(true);
  // The second question is asked when the first one's answers have been compared.
  await askedAgain(left);
  await askedAgain(left);
  expect(isUsed()).toBe(false);
  expect(await portRead()).toBe(promoted.port);
  expect(told).toEqual([false, true]);
}, 60_000);
