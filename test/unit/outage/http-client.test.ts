import { afterAll, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../../../src/core/clock.ts";
import { HttpClient, NoAnswer } from "../../../src/outage/http-client.ts";

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

interface Peer {
  readonly client: HttpClient;
  /** The request heads that each connection got. */
  readonly connections: string[][];
}

/** A server that does with each request what it is told; `seen` is how many came over this connection. */
async function startPeer(answer: (socket: Socket, seen: number) => void): Promise<Peer> {
  const connections: string[][] = [];
  const server = createServer((socket) => {
    const heads: string[] = [];
    connections.push(heads);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heads.push(chunk.toString().split("\r\n")[0] ?? "");
      answer(socket, heads.length);
    });
  });
  servers.push(server);
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  return { client: new HttpClient({ host: "127.0.0.1", port, clock: systemClock }), connections };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const get = (client: HttpClient, limitMs = 1_000, signal?: AbortSignal) =>
  client.request({ method: "GET", path: "/x", limitMs, ...(signal === undefined ? {} : { signal }) });

test("request() uses a connection again", async () => {
  const { client, connections } = await startPeer((socket) => socket.write(OK));
  using _ = client;
  for (let round = 0; round < 3; round++) expect((await get(client)).body).toBe("ok");
  expect(connections).toEqual([["GET /x HTTP/1.1", "GET /x HTTP/1.1", "GET /x HTTP/1.1"]]);
});

test("request() never waits for another one", async () => {
  const waiting: Socket[] = [];
  const { client } = await startPeer((socket) => {
    waiting.push(socket);
    if (waiting.length === 400) for (const one of waiting) one.write(OK);
  });
  using _ = client;
  const answers = await Promise.all(Array.from({ length: 400 }, () => get(client, 5_000)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
});

test("request() sends a request once, also when its kept-alive connection is closed on it", async () => {
  const { client, connections } = await startPeer((socket, seen) => {
    if (seen === 1) socket.write(OK);
    else socket.destroy();
  });
  using _ = client;
  await get(client);
  const failure = await get(client).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NoAnswer);
  expect(failure).toMatchObject({ ending: "dropped" });
  expect(connections.flat()).toHaveLength(2);
});

test("request() does not use a connection that the server closed meanwhile", async () => {
  const { client, connections } = await startPeer((socket) => socket.end(OK));
  using _ = client;
  await get(client);
  await Bun.sleep(30);
  expect((await get(client)).status).toBe(200);
  expect(connections).toHaveLength(2);
});

test("request() tells hung, cut, refused and garbled apart", async () => {
  const { client } = await startPeer(() => {});
  using _ = client;
  expect(await get(client, 30).catch((error: unknown) => error)).toMatchObject({ ending: "hung" });

  const abort = new AbortController();
  const cut = get(client, 5_000, abort.signal).catch((error: unknown) => error);
  abort.abort();
  expect(await cut).toMatchObject({ ending: "cut" });

  using nobody = new HttpClient({ host: "127.0.0.1", port: 1, clock: systemClock });
  expect(await get(nobody).catch((error: unknown) => error)).toMatchObject({ ending: "dropped", code: "ECONNREFUSED" });

  const garbler = await startPeer((socket) => socket.write("SSH-2.0-OpenSSH_9\r\n\r\n"));
  using __ = garbler.client;
  expect(await get(garbler.client).catch((error: unknown) => error)).toMatchObject({
    ending: "dropped",
    code: "GARBLED",
  });
});
