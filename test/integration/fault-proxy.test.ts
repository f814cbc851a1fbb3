import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { FaultProxy } from "../../src/outage/fault-proxy.ts";
import { freePort } from "../support/ports.ts";
import { SocketLog, SocketLogServer } from "../support/socket-log.ts";
import { waitUntil } from "../support/wait-until.ts";

let server: SocketLogServer;
let proxy: FaultProxy;
beforeEach(async () => {
  server = await SocketLogServer.listen();
  proxy = await FaultProxy.listen({ target: { host: "127.0.0.1", port: server.port }, port: await freePort() });
});
afterEach(async () => {
  await proxy.close();
  await server[Symbol.asyncDispose]();
});

/** A client and the server's end of its connection, both proven to work. */
async function connected(): Promise<{ client: SocketLog; peer: SocketLog }> {
  const index = server.accepted.length;
  const client = SocketLog.dial(proxy.port);
  client.socket.write("hello");
  const peer = await server.accept(index);
  await peer.waitForText("hello");
  peer.socket.write("welcome");
  await client.waitForText("welcome");
  return { client, peer };
}

/** Long enough for what should not happen to have happened. */
const aWhile = () => Bun.sleep(60);

describe("pass", () => {
  test("carries bytes both ways and counts them", async () => {
    await connected();
    expect(proxy.connections.map(({ id, clientBytes, serverBytes }) => ({ id, clientBytes, serverBytes }))).toEqual([
      { id: 1, clientBytes: 5, serverBytes: 7 },
    ]);
  });

  test("carries ends one way at a time, and forgets what is closed", async () => {
    const { client, peer } = await connected();
    client.socket.end("bye");
    await peer.waitForState("ended");
    peer.socket.end("see you");
    await client.waitForState("ended");
    expect(client.text).toBe("welcomesee you");
    await waitUntil("no connection stands", () => proxy.connections.length === 0);
  });

  test("carries resets both ways", async () => {
    const first = await connected();
    first.client.socket.resetAndDestroy();
    await first.peer.waitForState("ECONNRESET");
    const second = await connected();
    second.peer.socket.resetAndDestroy();
    await second.client.waitForState("ECONNRESET");
    await waitUntil("no connection stands", () => proxy.connections.length === 0);
  });

  test("reads no faster than the other side does", async () => {
    const { client, peer } = await connected();
    peer.socket.pause();
    const portion = Buffer.alloc(64 * 1024, "x");
    let sent = 0;
    while (sent < 64 * 1024 * 1024) {
      sent += portion.length;
      if (!client.socket.write(portion)) {
        const drained = await Promise.race([new Promise((go) => client.socket.once("drain", go)), aWhile()]);
        if (drained === undefined && client.socket.writableLength > 0) break;
      }
    }
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    peer.socket.resume();
    await waitUntil("all has arrived", () => peer.received.length === sent + 5);
  });
});

describe("silence", () => {
  test("holds bytes and ends both ways, and delivers them when it is over", async () => {
    const { client, peer } = await connected();
    proxy.setExisting({ kind: "silence" });
    client.socket.write(", are you there?");
    peer.socket.end(", yes");
    await aWhile();
    expect([peer.text, client.text, client.state]).toEqual(["hello", "welcome", "open"]);
    proxy.setExisting({ kind: "pass" });
    await peer.waitForText("hello, are you there?");
    await client.waitForText("welcome, yes");
    await client.waitForState("ended");
  });

  test("keeps a reset from the server until it is over, and loses what was held", async () => {
    const { client, peer } = await connected();
    proxy.setExisting({ kind: "silence" });
    client.socket.write("never delivered");
    await aWhile();
    client.socket.resetAndDestroy();
    await aWhile();
    expect([peer.text, peer.state]).toEqual(["hello", "open"]);
    proxy.setExisting({ kind: "pass" });
    await peer.waitForState("ECONNRESET");
    expect(peer.text).toBe("hello");
  });

  test("accepts new connections that reach the server only when it is over", async () => {
    await proxy.setNew({ kind: "silence" });
    const client = SocketLog.dial(proxy.port);
    client.socket.write("hello?");
    await aWhile();
    expect([client.state, server.accepted.length]).toEqual(["open", 0]);
    await proxy.setAll({ kind: "pass" });
    await (await server.accept(0)).waitForText("hello?");
  });

  test("is healed for new connections alone", async () => {
    const { client, peer } = await connected();
    await proxy.setAll({ kind: "silence" });
    await proxy.setNew({ kind: "pass" });
    await connected();
    client.socket.write("lost?");
    await aWhile();
    expect(peer.text).toBe("hello");
  });
});

test("silence-replies lets the server hear everything and the client nothing", async () => {
  const { client, peer } = await connected();
  proxy.setExisting({ kind: "silence-replies" });
  client.socket.write(" again");
  await peer.waitForText("hello again");
  peer.socket.end("answer");
  await aWhile();
  expect([client.text, client.state]).toEqual(["welcome", "open"]);
  proxy.setExisting({ kind: "pass" });
  await client.waitForText("welcomeanswer");
  await client.waitForState("ended");
});

test("silence-replies holds for new connections too", async () => {
  await proxy.setNew({ kind: "silence-replies" });
  const client = SocketLog.dial(proxy.port);
  client.socket.write("hello");
  const peer = await server.accept(0);
  await peer.waitForText("hello");
  peer.socket.write("nobody hears");
  await aWhile();
  expect([client.text, client.state]).toEqual(["", "open"]);
});

test("latency delays each direction and keeps the order", async () => {
  const { client, peer } = await connected();
  proxy.setExisting({ kind: "latency", delayMs: 100 });
  const sentAt = performance.now();
  client.socket.write(" 1");
  await Bun.sleep(30);
  client.socket.end(" 2");
  await peer.waitForText("hello 1 2");
  expect(performance.now() - sentAt).toBeWithin(125, 1000);
  await peer.waitForState("ended");
  const answeredAt = performance.now();
  peer.socket.write("!");
  await client.waitForText("welcome!");
  expect(performance.now() - answeredAt).toBeWithin(95, 1000);
});

test("throttle carries so many bytes a second, and the rest at once when it is over", async () => {
  const { client, peer } = await connected();
  proxy.setExisting({ kind: "throttle", bytesPerSecond: 1000 });
  const sentAt = performance.now();
  client.socket.write("x".repeat(10_000));
  await Bun.sleep(400);
  const fairBytes = performance.now() - sentAt;
  expect(peer.received.length - 5).toBeWithin(fairBytes * 0.5, fairBytes + 50);
  proxy.setExisting({ kind: "pass" });
  await waitUntil("all has arrived", () => peer.received.length === 10_005);
});

describe("what meets those who connect", () => {
  test("refuse: ECONNREFUSED, while those that stand are served; then the same port opens again", async () => {
    const { port } = proxy;
    const { client, peer } = await connected();
    await proxy.setNew({ kind: "refuse" });
    await SocketLog.dial(port).waitForState("ECONNREFUSED");
    client.socket.write(" still");
    await peer.waitForText("hello still");
    await proxy.setNew({ kind: "pass" });
    expect(proxy.port).toBe(port);
    await connected();
  });

  test("accept-and-close: the end, without a byte and without an error", async () => {
    await proxy.setNew({ kind: "accept-and-close" });
    const client = SocketLog.dial(proxy.port);
    await client.waitForState("ended");
    expect(client.text).toBe("");
  });

  test("accept-and-reset: ECONNRESET", async () => {
    await proxy.setNew({ kind: "accept-and-reset" });
    await SocketLog.dial(proxy.port).waitForState("ECONNRESET");
  });

  test("accept-and-mute: nothing, ever", async () => {
    await proxy.setNew({ kind: "accept-and-mute" });
    const client = SocketLog.dial(proxy.port);
    client.socket.write("hello?");
    await aWhile();
    await proxy.setAll({ kind: "pass" });
    await aWhile();
    expect([client.text, client.state, server.accepted.length]).toEqual(["", "open", 0]);
  });

  test("garbage: bytes that Postgres never sends", async () => {
    await proxy.setNew({ kind: "garbage" });
    const client = SocketLog.dial(proxy.port);
    await waitUntil("something was received", () => client.received.length > 0);
    expect("RESN".includes(client.text.charAt(0))).toBe(false);
    expect(client.state).toBe("open");
  });

  test("a server that refuses looks like one that resets", async () => {
    await server[Symbol.asyncDispose]();
    await SocketLog.dial(proxy.port).waitForState("ECONNRESET");
  });
});

test("resetAll() resets what stands, in every mode, and tells both sides", async () => {
  const loud = await connected();
  const silent = await connected();
  for (const connection of proxy.connections.slice(1)) connection.mode = { kind: "silence" };
  expect(proxy.resetAll()).toBe(2);
  for (const { client, peer } of [loud, silent]) {
    await client.waitForState("ECONNRESET");
    await peer.waitForState("ECONNRESET");
  }
  expect(proxy.connections).toEqual([]);
  await connected();
});

describe("hooks", () => {
  test("onClientData can cut at a byte: what came before arrives, then both ends are reset", async () => {
    const { client, peer } = await connected();
    proxy.onClientData = (_, chunk) => ({ kind: "reset", afterBytes: chunk.indexOf("COMMIT") });
    client.socket.write("INSERT;COMMIT;");
    await peer.waitForState("ECONNRESET");
    await client.waitForState("ECONNRESET");
    expect(peer.text).toBe("helloINSERT;");
  });

  test("onClientData can cut before the first byte", async () => {
    const { client, peer } = await connected();
    proxy.onClientData = () => ({ kind: "reset", afterBytes: 0 });
    client.socket.write("COMMIT;");
    await client.waitForState("ECONNRESET");
    expect(peer.text).toBe("hello");
  });

  test("onServerData can swallow an answer: the server has done it, the client hears a reset", async () => {
    const { client, peer } = await connected();
    proxy.onServerData = (_, chunk) => (chunk.includes("done") ? { kind: "reset", afterBytes: 0 } : undefined);
    client.socket.write(" COMMIT");
    await peer.waitForText("hello COMMIT");
    peer.socket.write("done");
    await client.waitForState("ECONNRESET");
    expect(client.text).toBe("welcome");
  });

  test("a hook can silence one connection from a byte on", async () => {
    const { client, peer } = await connected();
    const other = await connected();
    proxy.onClientData = ({ id }, chunk) =>
      id === 1 ? { kind: "silence", afterBytes: chunk.indexOf("|") } : { kind: "pass" };
    client.socket.write(" heard|held");
    await peer.waitForText("hello heard");
    other.client.socket.write(" too");
    await other.peer.waitForText("hello too");
    await aWhile();
    expect(peer.text).toBe("hello heard");
    proxy.setExisting({ kind: "pass" });
    await peer.waitForText("hello heard|held");
  });

  test("a hook can replace bytes", async () => {
    const { client, peer } = await connected();
    proxy.onServerData = () => ({ kind: "replace", bytes: Buffer.from("forged") });
    peer.socket.write("true");
    await client.waitForText("welcomeforged");
  });
});

test("a taken port is told with its code", async () => {
  const target = { host: "127.0.0.1", port: server.port };
  await expect(FaultProxy.listen({ target, port: proxy.port })).rejects.toMatchObject({
    code: "LISTEN_FAILED",
    reason: "EADDRINUSE",
  });
});

test("close() resets what stands and frees the port", async () => {
  const { client } = await connected();
  await proxy.close();
  await client.waitForState("ECONNRESET");
  await SocketLog.dial(proxy.port).waitForState("ECONNREFUSED");
});
