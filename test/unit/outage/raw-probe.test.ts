import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { probeRaw } from "../../../src/outage/raw-probe.ts";

async function probeAgainst(
  behave: (socket: Socket) => void,
  { asks = "session", limitMs = 3_000 }: { asks?: "session" | "tls"; limitMs?: number } = {},
): Promise<{ result: string; received: Buffer }> {
  let received = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    behave(socket);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  const result = await probeRaw({ host: "127.0.0.1", port, user: "u", database: "d", asks, limitMs });
  await new Promise((resolve) => server.close(resolve));
  return { result, received };
}

function says(code: string) {
  const error = `E\0\0\0\x40SFATAL\0VFATAL\0C${code}\0Mno\0\0`;
  return (socket: Socket) => socket.once("data", () => socket.write(error));
}

test.each([
  [
    "ready",
    "that asks for a password",
    (socket: Socket) => socket.once("data", () => socket.write("R\0\0\0\x08\0\0\0\0")),
  ],
  ["turned-away", "that is starting up", says("57P03")],
  ["turned-away", "that has no place left", says("53300")],
  ["ready", "that wants TLS", says("28000")],
  ["closed", "that accepts and closes", (socket: Socket) => socket.end()],
  ["reset", "that resets", (socket: Socket) => socket.once("data", () => socket.resetAndDestroy())],
  ["mute", "that is silent", () => {}],
  ["mute", "of another protocol", (socket: Socket) => socket.write("SSH-2.0\r\n")],
] as const)("probeRaw() finds %p a server %s", async (expected, _, behave) => {
  expect((await probeAgainst(behave, { limitMs: expected === "mute" ? 100 : 3_000 })).result).toBe(expected);
});

test.each(["S", "N"])("probeRaw() takes %p for a server that is there when it only asks for TLS", async (answer) => {
  const behave = (socket: Socket) => socket.once("data", () => socket.write(answer));
  const { result, received } = await probeAgainst(behave, { asks: "tls" });
  expect(result).toBe("ready");
  expect([...received]).toEqual([0, 0, 0, 8, 4, 210, 22, 47]);
});

test("probeRaw() finds that nobody listens", async () => {
  expect(await probeRaw({ host: "127.0.0.1", port: 1, user: "u", database: "d", limitMs: 3_000 })).toBe("refused");
});

test("probeRaw() sends a start-up message of protocol 3.0", async () => {
  const { received } = await probeAgainst((socket) => socket.once("data", () => socket.end()));
  expect(received.readInt32BE(0)).toBe(received.length);
  expect(received.readInt32BE(4)).toBe(196_608);
  expect(received.toString("utf8", 8)).toBe("user\0u\0database\0d\0application_name\0deby-outage\0\0");
});
