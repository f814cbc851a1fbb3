import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { HostPort } from "../config/types.ts";
import { type Clock, sleep, systemClock } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { type ChunkHook, FaultConnection } from "./fault-connection.ts";
import type { ArrivalMode, TrafficMode } from "./fault-mode.ts";
import { reset } from "./fault-pipe.ts";

export interface FaultProxyOptions {
  /** Where connections lead. A server that refuses looks like one that resets: the proxy has accepted by then. */
  readonly target: HostPort;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0, any free one. */
  readonly port?: number;
  readonly clock?: Clock;
}

/** How long a port that others took while it was closed is waited for. */
const REOPEN_DEADLINE_MS = 5000;

/** Belongs to no protocol, and begins with no letter that Postgres answers with. */
const GARBAGE = Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 167 + 0xc3) & 0xff));

/** A TCP proxy that can do to connections what networks do: `await using proxy = await FaultProxy.listen({ target })`. */
export class FaultProxy implements AsyncDisposable {
  readonly host: string;
  /** Sees what clients send; see ChunkVerdict for what it can do. */
  onClientData: ChunkHook = () => undefined;
  /** Sees what the server answers. */
  onServerData: ChunkHook = () => undefined;
  readonly #target: HostPort;
  readonly #clock: Clock;
  readonly #connections = new Set<FaultConnection>();
  /** Accepted, but led nowhere. */
  readonly #strays = new Set<Socket>();
  #port: number;
  #server: Server | undefined;
  #newMode: ArrivalMode = { kind: "pass" };
  #accepted = 0;

  /** @throws DebyError LISTEN_FAILED when the port is taken. */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.#open();
    return proxy;
  }

  private constructor({ target, host = "127.0.0.1", port = 0, clock = systemClock }: FaultProxyOptions) {
    this.#target = target;
    this.host = host;
    this.#port = port;
    this.#clock = clock;
  }

  get port(): number {
    return this.#port;
  }

  /** How many connections were accepted so far, whatever became of them. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Those that stand, oldest first, with their modes and counters. */
  get connections(): readonly FaultConnection[] {
    return [...this.#connections];
  }

  /** What becomes of connections that are made from now on; resolves when it holds. */
  async setNew(mode: ArrivalMode): Promise<void> {
    this.#newMode = mode;
    if (mode.kind === "refuse") {
      this.#server?.close();
      this.#server = undefined;
    } else if (this.#server === undefined) {
      await this.#reopen();
    }
  }

  /** What becomes of the connections that stand; new ones are not touched. */
  setExisting(mode: TrafficMode): void {
    for (const connection of this.#connections) connection.mode = mode;
  }

  async setAll(mode: TrafficMode): Promise<void> {
    this.setExisting(mode);
    await this.setNew(mode);
  }

  /** Resets every connection that stands, to both sides; clients see ECONNRESET. Returns how many. */
  resetAll(): number {
    const connections = this.connections;
    // The clients first: a server whose sessions all end at the same moment keeps its machine busy with that.
    for (const connection of connections) connection.resetClient();
    for (const connection of connections) connection.reset();
    for (const stray of this.#strays) reset(stray);
    return connections.length;
  }

  /** Closes the port and resets what stands. */
  async close(): Promise<void> {
    this.#newMode = { kind: "refuse" };
    const server = this.#server;
    this.#server = undefined;
    const closed = server && once(server, "close");
    server?.close();
    this.resetAll();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#admit(client));
    try {
      server.listen({ host: this.host, port: this.#port });
      await once(server, "listening");
    } catch (cause) {
      const { code = "unknown error" } = cause as NodeJS.ErrnoException;
      throw new DebyError("LISTEN_FAILED", `Cannot listen on ${this.host}:${this.#port}: ${code}`, {
        cause,
        reason: code,
      });
    }
    this.#server = server;
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** An outgoing connection of anybody may have been given the number of a port that was closed for a while. */
  async #reopen(): Promise<void> {
    const giveUpAt = this.#clock.now() + REOPEN_DEADLINE_MS;
    while (this.#newMode.kind !== "refuse") {
      try {
        return await this.#open();
      } catch (error) {
        if (this.#clock.now() > giveUpAt) throw error;
        await sleep(this.#clock, 20);
      }
    }
  }

  #admit(client: Socket): void {
    this.#accepted++;
    const mode = this.#newMode;
    switch (mode.kind) {
      case "refuse":
      case "accept-and-reset":
        reset(this.#keepStray(client));
        break;
      case "accept-and-close":
        this.#keepStray(client).end();
        break;
      case "accept-and-mute":
        this.#keepStray(client);
        break;
      case "garbage":
        this.#keepStray(client).write(GARBAGE);
        break;
      default:
        this.#connect(client, mode);
    }
  }

  /** Listens to a client without an answer until it leaves. */
  #keepStray(client: Socket): Socket {
    this.#strays.add(client);
    client.on("error", () => {});
    client.on("close", () => this.#strays.delete(client));
    client.on("end", () => client.end());
    return client.resume();
  }

  #connect(client: Socket, mode: TrafficMode): void {
    const connection = new FaultConnection({
      id: this.#accepted,
      client,
      target: this.#target,
      mode,
      clock: this.#clock,
      onClientData: (...seen) => this.onClientData(...seen),
      onServerData: (...seen) => this.onServerData(...seen),
      onClose: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(connection);
  }
}
