import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";
import { Secret } from "../../../src/config/secret.ts";
import type { HostPort } from "../../../src/config/types.ts";
import { type ConnectorDeps, networkConnector } from "../../../src/database/connector.ts";
import { openDatabase } from "../../../src/database/database.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { defaultSettings, targetAt } from "../../support/settings.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { waitUntil } from "../../support/wait-until.ts";

const READERS = "readers.test";
const ADDRESSES = ["127.0.0.2", "127.0.0.3"] as const;
const BY_TURNS = [ADDRESSES, [...ADDRESSES].reverse()];
const ONE_BY_TURNS = ADDRESSES.map((address) => [address]);

let pair: ReplicatedPair;
let standbys: readonly PostgresServer[];
beforeAll(async () => {
  pair = await ReplicatedPair.start(15);
  standbys = [pair.standby, await pair.addStandby(15)];
  // At one port, as one name leads to them, and each at its own.
  for (const [index, standby] of standbys.entries()) {
    await standby.stop();
    standby.configure({
      settings: { port: String(pair.standby.port), listen_addresses: ADDRESSES[index] ?? "" },
    });
    await standby.start();
  }
}, 60_000);
afterAll(async () => {
  await standbys[1]?.[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
});

/** With a connection for each of the reads that are on their way at once. */
function openReading(standbyHosts: readonly HostPort[], answers: readonly (readonly string[])[] = BY_TURNS) {
  const { primary } = pair;
  const hosts = [{ host: primary.host, port: primary.port }, ...standbyHosts];
  const target = targetAt(primary.port, { hosts, password: new Secret(primary.password) });
  const settings = { ...defaultSettings, readFrom: "prefer-standby", poolMin: 1, heartbeatIntervalMs: 500 } as const;
  let asked = 0;
  let moved: readonly string[] | undefined;
  const addressesOf = async ({ host }: HostPort): Promise<readonly string[]> => {
    if (host !== READERS) return [host];
    asked += 1;
    return moved ?? answers[asked % answers.length] ?? [];
  };
  // For both, the primary's connections and the standby's: which has which role is not its matter.
  const anyRole = { ...target, targetSessionAttrs: "any" } as const;
  const connector = (deps: ConnectorDeps) => networkConnector(anyRole, settings, { ...deps, addressesOf });
  const db = openDatabase(target, settings, { connector });
  const read = async () => {
    const [row] = await db.read<{ at: string }>`select host(inet_server_addr()) as at from pg_sleep(0.05)`;
    return row?.at;
  };
  /** The standbys that are read; reads that had to wait for too long go to the primary. */
  const readMany = async () => {
    const addresses = await Promise.all(Array.from({ length: 12 }, read));
    return ADDRESSES.filter((address) => addresses.includes(address));
  };
  const isUsed = () => waitUntil("a standby is used", () => db.stats().standby?.isUsed === true);
  const move = (to: readonly string[]): void => {
    moved = to;
  };
  return { db, isUsed, readMany, move, [Symbol.asyncDispose]: () => db.close({ graceMs: 0 }) };
}

test.each([
  ["several standbys in any order", BY_TURNS],
  ["one standby or another", ONE_BY_TURNS],
] as const)(
  "a name that leads to %s is read from one, whose lag is known",
  async (_, answers) => {
    await using opened = openReading([{ host: READERS, port: pair.standby.port }], answers);
    await opened.isUsed();
    const read = new Set<string>();
    for (let round = 0; round < 5; round++) for (const address of await opened.readMany()) read.add(address);
    expect(read.size).toBe(1);
  },
  30_000,
);

test("a name that leads to another standby for good is followed, though the one before is still there", async () => {
  await using opened = openReading([{ host: READERS, port: pair.standby.port }], [[ADDRESSES[0]]]);
  await opened.isUsed();
  expect(await opened.readMany()).toEqual([ADDRESSES[0]]);
  opened.move([ADDRESSES[1]]);
  await waitUntil("the other is read", async () => (await opened.readMany()).join() === ADDRESSES[1]);
}, 30_000);

test("after another standby was chosen none is read from the one before", async () => {
  const { port, user, password, database } = pair.standby;
  await using opened = openReading(ADDRESSES.map((host) => ({ host, port })));
  await opened.isUsed();
  const [first = ADDRESSES[0]] = await opened.readMany();
  const [other] = ADDRESSES.filter((address) => address !== first);
  const left = standbys[ADDRESSES.indexOf(first)] as PostgresServer;
  const admin = postgres({ host: first, port, user, password, database, max: 1 });
  try {
    await admin`select 1`;
    left.configure({ hba: "host all all all reject" });
    await left.reload();
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'deby-probe'`;
    await waitUntil("the other is read", async () => (await opened.readMany()).join() === other);
    const sessions = await admin`select 1 from pg_stat_activity where application_name = 'deby'`;
    expect([...sessions]).toEqual([]);
  } finally {
    await admin.end({ timeout: 0 });
  }
}, 30_000);
