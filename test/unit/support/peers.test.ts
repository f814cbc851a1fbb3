import { expect, test } from "bun:test";
import { type PeerKind, startPeer } from "../../support/peers.ts";
import { SocketLog } from "../../support/socket-log.ts";
import { waitUntil } from "../../support/wait-until.ts";

async function meet(kind: PeerKind, say: string, expected: { state: string; text?: RegExp }): Promise<void> {
  await using peer = await startPeer(kind);
  using client = SocketLog.dial(peer.port);
  client.socket.write(say);
  await client.waitForState(expected.state);
  if (expected.text) await waitUntil("the text", () => expected.text?.test(client.text), { deadlineMs: 2000 });
  expect(peer.accepted).toBe(1);
}

test("closing: the end without a byte", () => meet("closing", "x", { state: "ended", text: /^$/ }));
test("resetting: ECONNRESET at once", () => meet("resetting", "", { state: "ECONNRESET" }));
test("resetting-later: ECONNRESET at the first byte", () => meet("resetting-later", "x", { state: "ECONNRESET" }));
test("garbage: bytes of no protocol", () => meet("garbage", "x", { state: "open", text: /^\xc3\(/ }));
test("ssh: its banner, unasked", () => meet("ssh", "", { state: "open", text: /^SSH-2/ }));
test("http: 400 to whatever it hears", () => meet("http", "\0\0", { state: "ended", text: /^HTTP\/1.1 400/ }));
test("http-patient: an answer to HTTP", () =>
  meet("http-patient", "GET / HTTP/1.0\r\n\r\n", { state: "ended", text: /^HTTP\/1.1 200/ }));

test("silent and http-patient say nothing to Postgres's requests", async () => {
  for (const kind of ["silent", "http-patient"] as const) {
    await using peer = await startPeer(kind);
    using client = SocketLog.dial(peer.port);
    client.socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    await waitUntil("the peer has accepted", () => peer.open === 1);
    expect([client.text, client.state]).toEqual(["", "open"]);
  }
});

test("a peer may behave in a way of the test's own", async () => {
  await using peer = await startPeer((client) => client.resume().write("own"));
  using client = SocketLog.dial(peer.port);
  await client.waitForText("own");
});

test("a peer that is disposed frees its port and its clients", async () => {
  const peer = await startPeer("silent");
  using client = SocketLog.dial(peer.port);
  await waitUntil("the peer has accepted", () => peer.open === 1);
  await peer[Symbol.asyncDispose]();
  await client.waitForState("ended");
  await SocketLog.dial(peer.port).waitForState("ECONNREFUSED");
});
