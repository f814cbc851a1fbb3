import type { FaultConnection } from "../../../src/outage/fault-connection.ts";
import type { ChunkVerdict } from "../../../src/outage/fault-mode.ts";
import type { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import type { Strike } from "./plan.ts";
import { type Moment, StepWatch } from "./step-watch.ts";

interface Armed {
  readonly strike: Strike;
  /** Only this key's transactions are hit. */
  readonly key: string | undefined;
  /** How many messages of the step have got through. */
  skipped: number;
  /** What comes after it, at the same key. */
  readonly second: Strike | undefined;
}

const VERDICTS = { cut: "reset", silence: "silence", "replies-cut": "silence-replies" } as const;

/** Lets the proxy strike at the planned byte, and heals what it has done. */
export class Striker {
  readonly #proxy: FaultProxy;
  readonly #watch = new StepWatch();
  /** Connections that are silent for ever. */
  readonly #mute = new Set<FaultConnection>();
  #armed: Armed | undefined;
  #outages: Promise<void>[] = [];
  /** How many strikes of the drill have hit. */
  hits = 0;

  constructor(proxy: FaultProxy) {
    this.#proxy = proxy;
    proxy.onClientData = (connection, chunk) =>
      this.#see(connection, chunk, { isReply: false, moment: this.#watch.sent(connection, chunk) });
    proxy.onServerData = (connection, chunk) =>
      this.#see(connection, chunk, { isReply: true, moment: this.#watch.answered(connection, chunk) });
  }

  arm(strike: Strike, second: Strike | undefined): void {
    this.hits = 0;
    this.#outages = [];
    this.#armed = { strike, key: undefined, skipped: 0, second };
  }

  /** Strikes no more, and waits until all is healed that is to heal. */
  async disarm(): Promise<void> {
    this.#armed = undefined;
    await Promise.all(this.#outages);
  }

  /** Resets what is silent for ever, as its network would in the end. */
  forgetMute(): void {
    for (const connection of this.#mute) connection.reset();
    this.#mute.clear();
  }

  #see(
    connection: FaultConnection,
    chunk: Buffer,
    { isReply, moment }: { readonly isReply: boolean; readonly moment: Moment | undefined },
  ): ChunkVerdict | undefined {
    const armed = this.#armed;
    if (armed === undefined || moment === undefined) return undefined;
    const { strike, key, second } = armed;
    if (strike.step !== moment.step || strike.hitsReply !== isReply) return undefined;
    if (key !== undefined && key !== moment.key) return undefined;
    if (armed.skipped < strike.skipped) {
      armed.skipped += 1;
      return undefined;
    }
    this.hits += 1;
    const hasNext = second !== undefined && moment.key !== undefined;
    this.#armed = hasNext ? { strike: second, key: moment.key, skipped: 0, second: undefined } : undefined;
    this.#outages.push(this.#strike(connection, strike));
    // Of a request all may get through, of a reply never, or nothing would be lost.
    const afterBytes = Math.floor(strike.part * (chunk.length + (isReply ? 0 : 1)));
    return { kind: VERDICTS[strike.kind], afterBytes };
  }

  /** Everything but the message itself, which the verdict deals with. */
  async #strike(victim: FaultConnection, { kind, scope, outageMs, heals }: Strike): Promise<void> {
    const isForAll = scope === "all";
    const others = isForAll ? this.#proxy.connections.filter((other) => other !== victim) : [];
    if (kind === "cut") {
      for (const other of others) other.reset();
      if (!isForAll) return;
      await this.#proxy.setNew({ kind: "accept-and-reset" });
    } else {
      const mode = { kind: VERDICTS[kind] };
      for (const other of others) other.mode = mode;
      if (isForAll) await this.#proxy.setNew(mode);
    }
    const silenced = kind === "cut" ? [] : [victim, ...others];
    if (!heals) for (const connection of silenced) this.#mute.add(connection);
    if (!heals && !isForAll) return;
    await Bun.sleep(outageMs);
    if (isForAll) await this.#proxy.setNew({ kind: "pass" });
    const stand = this.#proxy.connections.filter((connection) => !this.#mute.has(connection));
    for (const connection of isForAll ? stand : silenced) connection.mode = { kind: "pass" };
  }
}
