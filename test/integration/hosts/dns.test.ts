import { expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { DatabaseTarget } from "../../../src/config/types.ts";
import { networkConnector } from "../../../src/database/connector.ts";
import { openDatabase } from "../../../src/database/database.ts";
import type { DatabaseEvents } from "../../../src/database/events.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { defaultSettings, targetAt } from "../../support/settings.ts";
import { waitUntil } from "../../support/wait-until.ts";

/** A database behind a name that leads to whatever server it is pointed at; each server has an address of its own. */
function openByName(servers: Readonly<Record<string, PostgresServer>>, first: string) {
  const dns = { address: first };
  const target: DatabaseTarget = targetAt(5432, { hosts: [{ host: "db.test", port: 5432 }] });
  const db = openDatabase(
    target,
    { ...defaultSettings, heartbeatIntervalMs: 200 },
    {
      connector: (deps) => {
        const real = () => {
          const { address } = dns;
          const server = servers[address] as PostgresServer;
          const host = { host: address, port: server.port };
          const own = { ...target, hosts: [host], password: new Secret(server.password) };
          return { host, connector: networkConnector(own, defaultSettings, deps) };
        };
        return {
          open: (options) => {
            const { host, connector } = real();
            return connector.open({ ...options, host });
          },
          addresses: async () => [dns.address],
        };
      },
    },
  );
  const moves: DatabaseEvents["moved"][] = [];
  const states: string[] = [];
  db.on("moved", (move) => void moves.push(move));
  db.on("transition", ({ to }) => void states.push(to.name));
  const addressUsed = async () => {
    const rows = await db.read<{ address: string }>`select host(inet_server_addr()) as address`;
    return rows[0]?.address;
  };
  return { db, dns, moves, states, addressUsed, [Symbol.asyncDispose]: () => db.close({ graceMs: 0 }) };
}

test("a name that leads elsewhere is followed at the next heartbeat; what runs at the old address may end", async () => {
  await using first = await startPostgres({ settings: { listen_addresses: "127.0.0.2" } });
  await using second = await startPostgres({ settings: { listen_addresses: "127.0.0.3" } });
  await using opened = openByName({ "127.0.0.2": first, "127.0.0.3": second }, "127.0.0.2");
  const { db, dns, moves, states, addressUsed } = opened;
  expect(await addressUsed()).toBe("127.0.0.2");
  const goOn = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const running = db.transaction(async (tx) => {
    await tx.query`create table t (id int)`;
    begun.resolve();
    await goOn.promise;
    const [row] = await tx.query<{ address: string }>`select host(inet_server_addr()) as address`;
    return row?.address;
  });
  await begun.promise;
  dns.address = "127.0.0.3";
  await waitUntil("the other server is used", () => moves.length > 0);
  expect(await addressUsed()).toBe("127.0.0.3");
  goOn.resolve();
  expect(await running).toBe("127.0.0.2");
  expect(moves).toEqual([{ from: "127.0.0.2", to: "127.0.0.3" }]);
  expect(states.filter((state) => state !== "up" && state !== "suspect")).toEqual([]);
  const left = async () => {
    const [row] = await first.psql<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name IN ('deby', 'deby-probe')",
    );
    return row?.count;
  };
  await waitUntil("nothing is left at the old address", async () => (await left()) === 0);
}, 30_000);

test("a new address where nobody answers changes nothing as long as the old server does", async () => {
  await using first = await startPostgres({ settings: { listen_addresses: "127.0.0.2" } });
  await using second = await startPostgres({ settings: { listen_addresses: "127.0.0.3" } });
  await using opened = openByName({ "127.0.0.2": first, "127.0.0.3": second }, "127.0.0.2");
  const { db, dns, moves, addressUsed } = opened;
  expect(await addressUsed()).toBe("127.0.0.2");
  await second.stop();
  dns.address = "127.0.0.3";
  await waitUntil("the change was seen", () => db.state().name === "up" && "reason" in db.state());
  expect(await addressUsed()).toBe("127.0.0.2");
  await second.start();
  await waitUntil("the other server is used", () => moves.length > 0);
  expect(await addressUsed()).toBe("127.0.0.3");
}, 30_000);
