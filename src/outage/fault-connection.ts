import { connect, type Socket } from "node:net";
import type { HostPort } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import { type ChunkVerdict, flowsOf, type TrafficMode } from "./fault-mode.ts";
import { FaultPipe, reset } from "./fault-pipe.ts";

/** Is shown each chunk as it comes in and may decide about it; nothing means pass. Under TLS it sees ciphertext. */
export type ChunkHook = (connection: FaultConnection, chunk: Buffer) => ChunkVerdict | undefined;

export interface FaultConnectionOptions {
  readonly id: number;
  readonly client: Socket;
  readonly target: HostPort;
  readonly mode: TrafficMode;
  readonly clock: Clock;
  readonly onClientData: ChunkHook;
  readonly onServerData: ChunkHook;
  /** Called once, when both ends are gone. */
  readonly onClose: (connection: FaultConnection) => void;
}

/** A client's connection through the proxy, with its own mode and counters. */
export class FaultConnection {
  readonly id: number;
  readonly openedAt: Date;
  readonly #options: FaultConnectionOptions;
  readonly #client: Socket;
  readonly #toServer: FaultPipe;
  #upstream: Socket | undefined;
  #toClient: FaultPipe | undefined;
  #mode: TrafficMode;
  #isDoomed = false;

  constructor(options: FaultConnectionOptions) {
    const { id, client, clock, mode } = options;
    this.id = id;
    this.openedAt = clock.date();
    this.#options = options;
    this.#client = client;
    this.#mode = mode;
    this.#toServer = new FaultPipe(client, flowsOf(mode).toServer, clock);
    this.#carry(client, this.#toServer, options.onClientData);
    if (!this.#toServer.isHeld) this.#dialUpstream();
  }

  get mode(): TrafficMode {
    return this.#mode;
  }

  set mode(mode: TrafficMode) {
    this.#mode = mode;
    const { toServer, toClient } = flowsOf(mode);
    this.#toServer.flow = toServer;
    if (this.#toClient !== undefined) this.#toClient.flow = toClient;
    if (this.#upstream === undefined && !this.#toServer.isHeld && !this.#client.destroyed) this.#dialUpstream();
  }

  /** Bytes that the client has sent and the proxy has read. */
  get clientBytes(): number {
    return this.#client.bytesRead;
  }

  /** Bytes that the server has sent and the proxy has read. */
  get serverBytes(): number {
    return this.#upstream?.bytesRead ?? 0;
  }

  /** Resets both ends at once, in every mode; what was under way is lost. */
  reset(): void {
    this.resetClient();
    if (this.#upstream !== undefined) reset(this.#upstream);
  }

  /** Resets the client's end alone; `reset` is to follow, and finds that it is done. */
  resetClient(): void {
    reset(this.#client);
  }

  #dialUpstream(): void {
    const { target, clock, onServerData } = this.#options;
    const { host, port } = target;
    const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const toClient = new FaultPipe(upstream, flowsOf(this.#mode).toClient, clock);
    this.#upstream = upstream;
    this.#toClient = toClient;
    toClient.sink = this.#client;
    upstream.on("connect", () => {
      this.#toServer.sink = upstream;
    });
    this.#carry(upstream, toClient, onServerData);
  }

  #carry(source: Socket, pipe: FaultPipe, hook: ChunkHook): void {
    source.on("data", (chunk: Buffer) => {
      if (!this.#isDoomed) this.#obey(hook(this, chunk) ?? { kind: "pass" }, chunk, pipe);
    });
    source.on("end", () => pipe.pushEnd());
    source.on("error", () => pipe.pushLoss());
    source.on("close", () => this.#finishWhenClosed());
  }

  #finishWhenClosed(): void {
    if (!this.#client.destroyed || this.#upstream?.destroyed === false) return;
    this.#toServer.dispose();
    this.#toClient?.dispose();
    this.#options.onClose(this);
  }

  #obey(verdict: ChunkVerdict, chunk: Buffer, pipe: FaultPipe): void {
    switch (verdict.kind) {
      case "pass":
        pipe.push(chunk);
        break;
      case "replace":
        pipe.push(Buffer.from(verdict.bytes));
        break;
      case "reset":
        this.#isDoomed = true;
        pipe.push(chunk.subarray(0, verdict.afterBytes), () => this.reset());
        break;
      case "silence":
      case "silence-replies":
        pipe.push(chunk.subarray(0, verdict.afterBytes), () => {
          this.mode = { kind: verdict.kind };
        });
        pipe.push(chunk.subarray(verdict.afterBytes));
        break;
      default:
        verdict satisfies never;
    }
  }
}
