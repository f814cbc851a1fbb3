import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DatabaseTarget, HostPort, PoolSettings } from "../../../src/config/types.ts";
import type { DatabaseEvents, HostRefused } from "../../../src/database/events.ts";
import { openOn } from "../../support/database.ts";
import { startPeer } from "../../support/peers.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const hostOf = ({ host, port }: PostgresServer): HostPort => ({ host, port });

/** How many rows of the test's table a server has. */
async function rowsOf(server: PostgresServer): Promise<number | undefined> {
  const [row] = await server.psql<{ count: number }>("SELECT count(*)::int AS count FROM t");
  return row?.count;
}

/** What is told of the old primary after its standby was promoted. */
function refusalOf({ primary, standby }: ReplicatedPair): HostRefused {
  return { address: `127.0.0.1:${primary.port}`, timeline: 1, used: `127.0.0.1:${standby.port}`, usedTimeline: 2 };
}

function openOnHosts(
  servers: readonly PostgresServer[],
  settings: Partial<PoolSettings> = {},
  target: Partial<DatabaseTarget> = {},
) {
  const [first] = servers;
  if (first === undefined) throw new Error("A server is needed");
  const opened = openOn(first, settings, { hosts: servers.map(hostOf), ...target });
  const refused: HostRefused[] = [];
  const moves: DatabaseEvents["moved"][] = [];
  opened.db.on("hostRefused", (event) => void refused.push(event));
  opened.db.on("moved", (event) => void moves.push(event));
  return { ...opened, refused, moves };
}

describe("a primary and its standby", () => {
  let pair: ReplicatedPair;
  beforeAll(async () => {
    pair = await ReplicatedPair.start(15);
  }, 60_000);
  afterAll(() => pair[Symbol.asyncDispose]());

  const portUsed = async (opened: ReturnType<typeof openOnHosts>): Promise<number | undefined> => {
    const rows = await opened.db.read<{ port: number }>`select inet_server_port() as port`;
    return rows[0]?.port;
  };

  test.each(["primary first", "standby first"])("%s: the role decides which one is used", async (order) => {
    const servers = order === "primary first" ? [pair.primary, pair.standby] : [pair.standby, pair.primary];
    await using writing = openOnHosts(servers);
    await using reading = openOnHosts(servers, {}, { targetSessionAttrs: "standby" });
    await using preferring = openOnHosts(servers, {}, { targetSessionAttrs: "prefer-standby" });
    expect(await portUsed(writing)).toBe(pair.primary.port);
    expect(await portUsed(reading)).toBe(pair.standby.port);
    expect(await portUsed(preferring)).toBe(pair.standby.port);
    expect(writing.db.state().name).toBe("up");
  });

  test("a role that nobody has is said so, and waited for", async () => {
    await using opened = openOnHosts([pair.primary], {}, { targetSessionAttrs: "standby" });
    await waitUntil(
      "an attempt has failed",
      () => opened.db.state().name !== "starting" || "reason" in opened.db.state(),
    );
    expect(opened.db.state()).toMatchObject({ reason: { code: "NO_SUITABLE_HOST" } });
  });
});

test("the primary is killed: reads go on from the standby, writes wait for its promotion; the old one is refused", async () => {
  await using pair = await ReplicatedPair.start(15);
  const { primary, standby } = pair;
  await using opened = openOnHosts([primary, standby]);
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  await primary.kill9();
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
  expect(await db.read`select 1 as one`).toEqual([{ one: 1 }]);
  const writes = [1, 2, 3].map((id) => db.query`insert into t values (${id})`);
  await waitUntil("all are held", () => db.stats().held === 3);
  await pair.promote();
  await Promise.all(writes);
  expect(db.state().name).toBe("up");
  expect(opened.moves).toEqual([{ from: `127.0.0.1:${primary.port}`, to: `127.0.0.1:${standby.port}` }]);

  await primary.start();
  await waitUntil("the old primary is refused", () => opened.refused.length > 0);
  expect(opened.refused).toEqual([refusalOf(pair)]);
  await db.query`insert into t values (4)`;
  expect(await rowsOf(standby)).toBe(4);

  // Whoever starts now finds two, in whatever order, and takes the right one.
  for (const servers of [
    [primary, standby],
    [standby, primary],
  ]) {
    await using another = openOnHosts(servers);
    const [used] = await another.db.read<{ port: number }>`select inet_server_port() as port`;
    expect(used?.port).toBe(standby.port);
    expect(another.refused).toHaveLength(1);
  }
}, 60_000);

test("an old primary that is there alone is refused, whatever happens to the promoted one", async () => {
  await using pair = await ReplicatedPair.start(15);
  const { primary, standby } = pair;
  await using opened = openOnHosts([primary, standby]);
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  await primary.kill9();
  await pair.promote();
  await db.query`insert into t values (1)`;
  await standby.kill9();
  await waitUntil("the loss is known", () => db.state().name === "reconnecting");
  await primary.start();
  const held = db.query`insert into t values (2)`;
  await waitUntil("the old primary is refused", () => opened.refused.length > 0);
  expect(opened.refused).toEqual([refusalOf(pair)]);
  expect(db.state().name).toBe("reconnecting");
  await standby.start();
  await held;
  expect(await rowsOf(standby)).toBe(2);
}, 60_000);

test("a server that was promoted while ours still takes writes is found soon, and used", async () => {
  await using pair = await ReplicatedPair.start(15);
  const { primary, standby } = pair;
  await using opened = openOnHosts([primary, standby]);
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  await pair.promote();
  await waitUntil("the promoted one is used", () => opened.moves.length > 0, { deadlineMs: 8000 });
  await db.query`insert into t values (1)`;
  expect(await rowsOf(standby)).toBe(1);
  expect(opened.refused).toEqual([refusalOf(pair)]);
}, 60_000);

test("a host that refuses among the hosts holds up nobody", async () => {
  await using pair = await ReplicatedPair.start(15);
  const { primary, standby } = pair;
  const nobody = { host: "127.0.0.1", port: await freePort() };
  await using opened = openOnHosts([primary], {}, { hosts: [nobody, hostOf(standby), hostOf(primary)] });
  await opened.db.query`select 1`;
  expect(opened.states).toEqual(["up"]);
}, 60_000);

test("a silent host among the hosts does not hide that another is back, in the course of an attempt either", async () => {
  await using server = await startPostgres();
  await using silent = await startPeer("silent");
  const hosts = [{ host: "127.0.0.1", port: silent.port }, hostOf(server)];
  await using opened = openOn(server, {}, { hosts });
  const { db } = opened;
  await db.query`create table t (id int)`;
  for (const outageMs of [300, 2500]) {
    await server.stop();
    await waitUntil("the loss is known", () => db.state().name === "reconnecting");
    const held = db.query`insert into t values (1)`;
    // The first attempt begins at once, the second 2 s later; each would wait 5 s for the silent one.
    await Bun.sleep(outageMs);
    await server.start();
    const readyAt = performance.now();
    await held;
    expect(performance.now() - readyAt).toBeLessThan(350);
  }
}, 60_000);
