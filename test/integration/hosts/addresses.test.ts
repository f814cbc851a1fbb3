import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { DatabaseTarget, TargetSessionAttrs } from "../../../src/config/types.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { type ConnectorDeps, networkConnector } from "../../../src/database/connector.ts";
import { openDatabase } from "../../../src/database/database.ts";
import { sessionsOf, waitForSessions } from "../../support/database.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { defaultSettings, targetAt } from "../../support/settings.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const PRIMARY = "127.0.0.1";
const STANDBY = "127.0.0.2";
const NAME = "db.test";
const HBA = "host all,replication all all scram-sha-256";

/** A primary and its standby at two addresses and one port, as one name leads to them. */
async function startPair(): Promise<ReplicatedPair> {
  const pair = await ReplicatedPair.start(15);
  const { primary, standby } = pair;
  primary.configure({ settings: { log_connections: "on" } });
  await primary.reload();
  await standby.stop();
  standby.configure({
    settings: { port: String(primary.port), listen_addresses: STANDBY, log_connections: "on" },
  });
  await standby.start();
  return pair;
}

function targetOf({ port, password }: PostgresServer, wanted: TargetSessionAttrs): DatabaseTarget {
  const hosts = [{ host: NAME, port }];
  return targetAt(port, { hosts, password: new Secret(password), targetSessionAttrs: wanted });
}

/** A connector for which the name has these addresses, in turns where there is more than one answer. */
function connectorTo(target: DatabaseTarget, answers: readonly (readonly string[])[]) {
  let asked = 0;
  const addressesOf = async () => answers[asked++ % answers.length] as readonly string[];
  return (deps: ConnectorDeps) => networkConnector(target, defaultSettings, { ...deps, addressesOf });
}

/** Opens single connections by the name. */
function openerTo(
  { primary }: ReplicatedPair,
  addresses: readonly string[],
  wanted: TargetSessionAttrs = "read-write",
) {
  const target = targetOf(primary, wanted);
  const connector = connectorTo(target, [addresses])({ clock: systemClock, sweep: new DeadlineSweep(systemClock) });
  return (applicationName: string) =>
    connector.open({
      host: { host: NAME, port: primary.port },
      applicationName,
      deadlineAt: systemClock.now() + 5000,
      signal: new AbortController().signal,
    });
}

/** A database by the name. */
function openByName({ primary }: ReplicatedPair, ...answers: readonly (readonly string[])[]) {
  const target = targetOf(primary, "read-write");
  const db = openDatabase(target, defaultSettings, { connector: connectorTo(target, answers) });
  const states: string[] = [];
  db.on("transition", ({ to }) => void states.push(to.name));
  return { db, states, [Symbol.asyncDispose]: () => db.close({ graceMs: 0 }) };
}

/** How many logins of this application the server has seen. */
const loginsOf = ({ log }: PostgresServer, applicationName: string): number =>
  log.split("\n").filter((line) => line.includes("authorized") && line.endsWith(`application_name=${applicationName}`))
    .length;

/** While the server lets nobody in. */
async function refuse(server: PostgresServer, action: () => Promise<void>): Promise<void> {
  server.configure({ hba: "host all postgres all reject" });
  await server.reload();
  await action();
  server.configure({ hba: HBA });
  await server.reload();
}

describe("one name with the addresses of a primary and its standby", () => {
  let pair: ReplicatedPair;
  beforeAll(async () => {
    pair = await startPair();
  }, 60_000);
  afterAll(() => pair[Symbol.asyncDispose]());

  test.each([
    ["read-write", [STANDBY, PRIMARY], PRIMARY],
    ["primary", [STANDBY, PRIMARY], PRIMARY],
    ["standby", [PRIMARY, STANDBY], STANDBY],
    ["prefer-standby", [PRIMARY, STANDBY], STANDBY],
    ["any", [STANDBY, PRIMARY], STANDBY],
    ["read-write", [STANDBY, "127.0.0.3"], STANDBY],
    ["prefer-standby", [PRIMARY, "127.0.0.3"], PRIMARY],
  ] as const)("%s of %p: %s, and nothing is left at the other", async (wanted, addresses, expected) => {
    const connection = await openerTo(pair, addresses, wanted)("look");
    expect(connection.remoteAddress).toBe(expected);
    const other = expected === PRIMARY ? pair.standby : pair.primary;
    await waitForSessions(other, "look", (count) => count === 0);
    expect(connection.isLost).toBe(false);
    await connection.close();
  });

  test("a primary that was found is dialled first from then on, and alone", async () => {
    const open = openerTo(pair, [STANDBY, PRIMARY]);
    for (let i = 0; i < 3; i++) await (await open("again")).close();
    expect(loginsOf(pair.standby, "again")).toBe(1);
    expect(loginsOf(pair.primary, "again")).toBe(3);
  });

  test("a server of the wanted role is not dialled a second time by another address", async () => {
    await (await openerTo(pair, [PRIMARY, STANDBY])("once")).close();
    expect(loginsOf(pair.primary, "once")).toBe(1);
    expect(loginsOf(pair.standby, "once")).toBe(0);
  });

  test("the server that refuses us holds nobody up if it is a standby, and is no reason to take one if it is the primary", async () => {
    const { primary, standby } = pair;
    const open = openerTo(pair, [STANDBY, PRIMARY]);
    await refuse(standby, async () => {
      await expect(open("refused")).rejects.toMatchObject({ reason: "28000" });
      const connection = await open("refused");
      expect(connection.remoteAddress).toBe(PRIMARY);
      await connection.close();
    });
    await refuse(primary, async () => {
      for (let i = 0; i < 2; i++) await expect(open("refused")).rejects.toMatchObject({ reason: "28000" });
    });
    expect(loginsOf(standby, "refused")).toBe(0);
  });

  test("while the primary refuses us, its standby is found each time", async () => {
    const open = openerTo(pair, [STANDBY, PRIMARY]);
    await refuse(pair.primary, async () => {
      for (let i = 0; i < 4; i++) {
        const connection = await open("instead");
        expect(connection.remoteAddress).toBe(STANDBY);
        await connection.close();
      }
    });
  });

  test("a statement that is given up is cancelled at the address where it runs", async () => {
    const connection = await openerTo(pair, [STANDBY, PRIMARY])("sleeper");
    const tag = (strings: TemplateStringsArray) => strings;
    const given = connection.run(tag`select pg_sleep(60)`, [], systemClock.now() + 300);
    await expect(given).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await waitForSessions(pair.primary, "sleeper", (count) => count === 0);
  });

  test("answers in any order: every connection of the pool takes writes", async () => {
    await using opened = openByName(pair, [STANDBY, PRIMARY], [PRIMARY, STANDBY]);
    const { db, states } = opened;
    const all = Promise.withResolvers<void>();
    let running = 0;
    const writers = Array.from({ length: 6 }, () =>
      db.transaction(async (tx) => {
        await tx.query`create temporary table mine (id int) on commit drop`;
        running += 1;
        if (running === 6) all.resolve();
        await all.promise;
      }),
    );
    await Promise.all(writers);
    expect(states).toEqual(["up"]);
    expect(await sessionsOf(pair.standby, "deby")).toBe(0);
  });

  test("a standby that is frozen is passed over", async () => {
    await pair.standby.freeze();
    try {
      await using opened = openByName(pair, [STANDBY, PRIMARY]);
      await opened.db.query`create temporary table mine (id int)`;
      expect(opened.states).toEqual(["up"]);
    } finally {
      pair.standby.thaw();
    }
  });
});

test("the primary goes: reads from the standby, and writes once one of the addresses takes them again", async () => {
  await using pair = await startPair();
  const { primary } = pair;
  await using opened = openByName(pair, [STANDBY, PRIMARY]);
  const { db } = opened;
  await db.query`create table t (id int)`;
  await pair.caughtUp();
  await primary.stop();
  await waitUntil("the state is read-only", () => db.state().name === "read-only");
  expect(await db.read`select 1 as one`).toEqual([{ one: 1 }]);
  await primary.start();
  await db.query`insert into t values (1)`;
  await pair.caughtUp();
  await primary.kill9();
  await waitUntil("the state is read-only again", () => db.state().name === "read-only");
  const write = db.query`insert into t values (2)`;
  await pair.promote();
  await write;
  expect(await db.read`select id from t order by id`).toEqual([{ id: 1 }, { id: 2 }]);
}, 60_000);
