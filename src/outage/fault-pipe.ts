import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.ts";
import type { Flow } from "./fault-mode.ts";

/** Beyond this many bytes under way, nothing more is read until some have left. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A slow direction sends a portion about so often. */
const PORTION_MS = 20;

type Content =
  /** `onSent` is called when the kernel has the bytes; nothing that came later leaves before. */
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly onSent?: (() => void) | undefined }
  /** The source will say no more. */
  | { readonly kind: "end" }
  /** The source is gone. */
  | { readonly kind: "loss" };

interface Parcel {
  content: Content;
  readonly arrivedAt: number;
}

/** One direction of a connection: carries what `source` says to `sink`, in order, as its flow allows. */
export class FaultPipe {
  readonly #source: Socket;
  readonly #clock: Clock;
  readonly #queue: Parcel[] = [];
  #sink: Socket | undefined;
  #flow: Flow;
  #queuedBytes = 0;
  #isSinkFull = false;
  #isAwaitingSent = false;
  #nextPortionAt = 0;
  #timer: Timer | undefined;

  constructor(source: Socket, flow: Flow, clock: Clock) {
    this.#source = source;
    this.#flow = flow;
    this.#clock = clock;
    this.#regulateReading();
  }

  get isHeld(): boolean {
    return this.#flow.kind === "held";
  }

  /** Where everything goes; what came before waits for it. */
  set sink(sink: Socket) {
    this.#sink = sink;
    sink.on("drain", () => {
      this.#isSinkFull = false;
      this.#pump();
    });
    this.#pump();
  }

  set flow(flow: Flow) {
    this.#flow = flow;
    this.#nextPortionAt = 0;
    this.#pump();
  }

  push(bytes: Buffer, onSent?: () => void): void {
    this.#queuedBytes += bytes.length;
    this.#take({ kind: "bytes", bytes, onSent });
  }

  pushEnd(): void {
    this.#take({ kind: "end" });
  }

  /** Resets the sink; what is held is lost with the source that would have sent it again, what is late still arrives. */
  pushLoss(): void {
    if (this.isHeld) this.#drop();
    this.#take({ kind: "loss" });
  }

  /** Carries no more. */
  dispose(): void {
    this.#timer?.cancel();
    this.#drop();
    this.#sink = undefined;
  }

  #take(content: Content): void {
    this.#queue.push({ content, arrivedAt: this.#clock.now() });
    this.#pump();
  }

  #drop(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #pump(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let parcel = this.#queue[0]; parcel !== undefined && this.#sink !== undefined; parcel = this.#queue[0]) {
      if (this.isHeld || this.#isAwaitingSent) break;
      if (this.#isSinkFull && this.#sink.writable) break;
      const waitMs = this.#waitMs(parcel);
      if (waitMs > 0) {
        this.#timer = this.#clock.after(waitMs, () => this.#pump());
        break;
      }
      this.#deliver(parcel, this.#sink);
    }
    this.#regulateReading();
  }

  #waitMs(parcel: Parcel): number {
    switch (this.#flow.kind) {
      case "late":
        return parcel.arrivedAt + this.#flow.delayMs - this.#clock.now();
      case "slow":
        return this.#nextPortionAt - this.#clock.now();
      default:
        return 0;
    }
  }

  #deliver(parcel: Parcel, sink: Socket): void {
    const { content } = parcel;
    if (content.kind !== "bytes") {
      this.#queue.shift();
      if (content.kind === "loss") reset(sink);
      else sink.end();
      return;
    }
    const portion = content.bytes.subarray(0, this.#portionBytes(content.bytes.length));
    const isLast = portion.length === content.bytes.length;
    if (isLast) this.#queue.shift();
    else parcel.content = { ...content, bytes: content.bytes.subarray(portion.length) };
    this.#queuedBytes -= portion.length;
    if (sink.writable) this.#write(sink, portion, isLast ? content.onSent : undefined);
  }

  #write(sink: Socket, bytes: Buffer, onSent: (() => void) | undefined): void {
    if (onSent === undefined) {
      this.#isSinkFull = !sink.write(bytes);
      return;
    }
    this.#isAwaitingSent = true;
    sink.write(bytes, () => {
      this.#isAwaitingSent = false;
      onSent();
      this.#pump();
    });
  }

  #portionBytes(available: number): number {
    if (this.#flow.kind !== "slow") return available;
    const { bytesPerSecond } = this.#flow;
    const bytes = Math.min(available, Math.max(1, Math.round((bytesPerSecond * PORTION_MS) / 1000)));
    this.#nextPortionAt = Math.max(this.#clock.now(), this.#nextPortionAt) + (bytes / bytesPerSecond) * 1000;
    return bytes;
  }

  /** Not reading is how a direction is held: the sender's buffers fill up, as before a cut network. */
  #regulateReading(): void {
    const shouldPause = this.isHeld || this.#sink === undefined || this.#queuedBytes >= MAX_QUEUED_BYTES;
    if (shouldPause === this.#source.isPaused()) return;
    if (shouldPause) this.#source.pause();
    else this.#source.resume();
  }
}

/** Ends a connection by RST; one that is still being made, which Bun 1.4.5 cannot reset, is given up. */
export function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
