import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** What a peer does with a client that has connected. Errors of the socket, such as ECONNRESET, harm nobody. */
type Behaviour = (client: Socket) => void;

const BEHAVIOURS = {
  /** Accepts, reads, and never says a word. */
  silent: (client) => client.resume(),
  /** Accepts and closes, as Docker's port proxy does while nothing listens inside. */
  closing: (client) => client.end().resume(),
  /** Resets as soon as it has accepted. */
  resetting: (client) => client.resetAndDestroy(),
  /** Resets at the first byte that it hears. */
  "resetting-later": (client) => client.once("data", () => client.resetAndDestroy()),
  /** Sends bytes of no protocol. */
  garbage: (client) => client.resume().write(Buffer.from([0xc3, 0x28, 0x00, 0xff, 0x7f, 0x13, 0x37, 0xa0, 0xde, 0xad])),
  /** Waits for a request, and answers as an HTTP server that understands none of it. */
  http: (client) =>
    client.once("data", () => client.end("HTTP/1.1 400 Bad Request\r\nServer: test\r\nConnection: close\r\n\r\n")),
  /** Stays silent until it is asked in HTTP. */
  "http-patient": (client) => {
    client.on("data", (heard) => {
      if (/^[A-Z]+ \S+ HTTP\/1/.test(heard.toString("latin1"))) client.end("HTTP/1.1 200 OK\r\nServer: test\r\n\r\n");
    });
  },
  /** Greets first, with the S that means yes to a request for TLS. */
  ssh: (client) => client.resume().write("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
  /** An authentication request of Postgres at one byte a second, so that something always arrives and nothing is done. */
  drip: (client) => {
    const message = Buffer.from([0x52, 0, 0, 0, 23, 0, 0, 0, 10, ...Buffer.from("SCRAM-SHA-256\0\0")]);
    let sent = 0;
    const timer = setInterval(() => client.write(message.subarray(sent, ++sent)), 1000);
    client.resume().on("close", () => clearInterval(timer));
  },
} as const satisfies Record<string, Behaviour>;

export type PeerKind = keyof typeof BEHAVIOURS;

export interface Peer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many clients have connected so far. */
  readonly accepted: number;
  /** How many are connected now. */
  readonly open: number;
}

/** A TCP peer that misbehaves, in a known way or one of the test's own: `await using peer = await startPeer("silent")`. */
export async function startPeer(misbehaviour: PeerKind | Behaviour): Promise<Peer> {
  const behave = typeof misbehaviour === "string" ? BEHAVIOURS[misbehaviour] : misbehaviour;
  const clients = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ noDelay: true }, (client) => {
    accepted++;
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    behave(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: portOf(server),
    get accepted() {
      return accepted;
    },
    get open() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The peer does not listen");
  return address.port;
}
