import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { Secret } from "../../../src/config/secret.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { DatabaseWatch } from "../../../src/outage/database-watch.ts";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { findScenario } from "../../../src/outage/scenarios/all.ts";
import type { Target } from "../../../src/outage/target.ts";
import { waitUntil } from "../../support/wait-until.ts";

interface SmallServer extends AsyncDisposable {
  readonly port: number;
  /** Clients that wait for nothing but their password. */
  readonly clients: number;
}

/** Answers as PostgreSQL does until it has as many clients as it takes. */
async function startSmallServer(places: number): Promise<SmallServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => clients.delete(socket));
    socket.once("data", () => {
      if (clients.size >= places) {
        socket.end("E\0\0\0\x20SFATAL\0C53300\0Mtoo many\0\0");
        return;
      }
      clients.add(socket);
      socket.write("R\0\0\0\x08\0\0\0\0");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    get clients() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of clients) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function targetAt(port: number, traffic: FaultProxy | undefined): Target {
  const endpoint = { host: "127.0.0.1", port, user: "u", password: new Secret("p"), database: "d" };
  return {
    kind: "test",
    description: "a small server",
    endpoint,
    server: undefined,
    sql: undefined,
    traffic,
    readLog: async () => "",
  };
}

const AT_THE_PROXY = ["netcut", "reset", "refuse", "fin", "latency", "flap", "start-down"];

test.each([...AT_THE_PROXY, "exhaust"])(
  "%s is seen from outside when it is there, and gone when it is healed",
  async (name) => {
    await using server = await startSmallServer(20);
    await using proxy = await FaultProxy.listen({ target: { host: "127.0.0.1", port: server.port } });
    const target = targetAt(proxy.port, AT_THE_PROXY.includes(name) ? proxy : undefined);
    await using watch = new DatabaseWatch(target.endpoint, systemClock);
    await waitUntil("the server answers", () => watch.firstReady(0) !== undefined);
    const fault = findScenario(name).bind(target);
    if (fault === undefined) throw new Error(`${name} is not possible`);
    const isThere = async (since: number) => (await fault.contradiction(watch.last(since))) === undefined;

    await waitUntil("the fault is not there yet", async () => !(await isThere(0)));
    const injectedAt = systemClock.now();
    await fault.inject();
    await waitUntil("the fault is there", () => isThere(injectedAt), { deadlineMs: 3_000 });
    if (fault.offersSessions) expect(watch.last(injectedAt)?.result).toBe("ready");
    else await waitUntil("the probe fails", () => watch.firstFailure(injectedAt) !== undefined);

    const healedAt = systemClock.now();
    await fault.heal();
    await waitUntil("the server answers again", () => watch.firstReady(healedAt) !== undefined, { deadlineMs: 3_000 });
    await watch[Symbol.asyncDispose]();
    await waitUntil("nobody is connected any more", () => server.clients === 0);
  },
);

test("flap goes on and off until the last time, which is left to be healed", async () => {
  await using server = await startSmallServer(20);
  await using proxy = await FaultProxy.listen({ target: { host: "127.0.0.1", port: server.port } });
  const fault = findScenario("flap").bind(targetAt(proxy.port, proxy));
  const told = new AbortController();
  await fault?.inject();
  const over = fault?.sustain?.(told.signal);
  told.abort();
  await over;
  expect(await fault?.contradiction({ startedAt: 0, endedAt: 0, result: "refused" })).toBeUndefined();
  await fault?.heal();
});
