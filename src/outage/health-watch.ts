import type { Clock } from "../core/clock.ts";
import { foreignWord } from "./foreign-word.ts";
import { HttpClient } from "./http-client.ts";
import { Repeater } from "./repeat.ts";
import type { Sighting } from "./timeline.ts";

const POLL_EVERY_MS = 20;
/** A health route that takes so long counts as not well. */
const POLL_LIMIT_MS = 1_000;
const POLLS_AT_ONCE = 4;

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Polls `/api/health` and keeps what it said, by the time of its answer. */
export class HealthWatch implements AsyncDisposable {
  readonly sightings: Sighting[] = [];
  readonly #client: HttpClient;
  readonly #repeater: Repeater;
  #isClosed = false;

  constructor(server: ServerAddress, clock: Clock) {
    this.#client = new HttpClient({ ...server, clock });
    this.#repeater = new Repeater({ clock, everyMs: POLL_EVERY_MS, maxAtOnce: POLLS_AT_ONCE }, async () => {
      const health = await readHealth(this.#client);
      if (!this.#isClosed) this.sightings.push({ at: clock.now(), ...health });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#repeater.stop();
    this.#client[Symbol.dispose]();
    await this.#repeater[Symbol.asyncDispose]();
  }
}

/** Whether the server says that all is well; no answer in time says the opposite. */
export async function isHealthy(client: HttpClient): Promise<boolean> {
  return (await readHealth(client)).isWell;
}

/** What the health route says: of its words only `status` is needed, and `state`, where there is one, tells more. */
async function readHealth(client: HttpClient): Promise<Omit<Sighting, "at">> {
  try {
    const { body } = await client.request({ method: "GET", path: "/api/health", limitMs: POLL_LIMIT_MS });
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== "object" || parsed === null) return { isWell: false, state: "no status" };
    const { status, state } = parsed as { status?: unknown; state?: unknown };
    const [word = "no status"] = [state, status].filter((name) => typeof name === "string");
    return { isWell: status === "ok", state: foreignWord(word) };
  } catch {
    return { isWell: false, state: "no answer" };
  }
}
