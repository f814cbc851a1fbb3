import { expect, test } from "bun:test";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../../../src/core/clock.ts";
import { DatabaseWatch } from "../../../src/outage/database-watch.ts";

/** A server that swallows what it gets until it is woken; connections from then on are asked for a password. */
class MuteServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  isMute = true;
  /** How many connections there were. */
  seen = 0;

  constructor() {
    this.#server = createServer((socket) => {
      const wasMute = this.isMute;
      this.seen += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
      socket.on("data", () => !wasMute && socket.write("R"));
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

test("DatabaseWatch sees a server that was mute back soon, whenever it comes back", async () => {
  const lags: number[] = [];
  for (const muteMs of [620, 730, 840]) {
    await using server = new MuteServer();
    const port = await server.listen();
    await using watch = new DatabaseWatch({ host: "127.0.0.1", port, user: "u", database: "d" }, systemClock);
    await Bun.sleep(muteMs);
    expect(watch.firstReady(0)).toBeUndefined();
    // Of the probes so far each may still be on its way to the server.
    expect(server.seen).toBeLessThan(6);
    watch.expectReturn();
    server.isMute = false;
    const backAt = systemClock.now();
    await watch.untilReady(backAt, AbortSignal.timeout(2_000));
    lags.push((watch.firstReady(backAt) ?? Number.NaN) - backAt);
  }
  // 62.5 ms, and what a busy machine adds: half a second where all probes begin together.
  expect(lags.toSorted((a, b) => a - b)[1]).toBeLessThan(120);
}, 20_000);

/** Answers one connection after another, each after a while, also those whose client has left: as a busy machine does. */
class SlowServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #line = Promise.resolve();

  constructor(serviceMs: number) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
      void this.occupy(serviceMs).then(() => socket.write("R"));
    });
  }

  /** Has something else to do for so long, when it comes to that. */
  occupy(durationMs: number): Promise<void> {
    this.#line = this.#line.then(() => Bun.sleep(durationMs));
    return this.#line;
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

test("DatabaseWatch does not keep a slow server from answering by asking again and again", async () => {
  await using server = new SlowServer(120);
  const port = await server.listen();
  await using watch = new DatabaseWatch({ host: "127.0.0.1", port, user: "u", database: "d" }, systemClock);
  await watch.untilReady(0, AbortSignal.timeout(5000));
  void server.occupy(1500);
  const backAt = systemClock.now();
  watch.expectReturn();
  await watch.untilReady(backAt, AbortSignal.timeout(10_000));
  expect(watch.firstReady(backAt)).toBeDefined();
}, 20_000);
