import { fileURLToPath } from "node:url";

/** One look of the observer, in milliseconds since the epoch. */
interface Look {
  readonly what: "health" | "database";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isWell: boolean;
}

/** Watches a server and its database from a process of its own, until it is disposed. */
export class Observer implements AsyncDisposable {
  readonly #looks: Look[] = [];
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #read: Promise<void>;

  constructor(healthUrl: string, databasePort: number) {
    const script = fileURLToPath(new URL("./observer-process.ts", import.meta.url));
    this.#child = Bun.spawn([process.execPath, script, healthUrl, String(databasePort)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#read = this.#collect();
  }

  /** How long what `first` tells took to be answered, from `since` on at the earliest. */
  tookMs(what: Look["what"], since: number): number {
    const endedAt = this.first(what, { since, isWell: true });
    const { startedAt = endedAt } = this.#looks.find((look) => look.what === what && look.endedAt === endedAt) ?? {};
    return endedAt - Math.max(startedAt, since);
  }

  /**
   * The end of the first look at it since then that found this. It has begun since then, too, unless it found all well:
   * what waited at a frozen server is answered when that can serve again.
   */
  first(what: Look["what"], { since, isWell }: { readonly since: number; readonly isWell: boolean }): number {
    const looks = this.#looks.filter(
      (look) => look.what === what && look.isWell === isWell && (isWell ? look.endedAt : look.startedAt) >= since,
    );
    if (looks.length === 0) throw new Error(`The observer never saw the ${what} ${isWell ? "well" : "unwell"}`);
    return Math.min(...looks.map(({ endedAt }) => endedAt));
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [what, startedAt, endedAt, found] = line.split(" ");
        if (what !== "health" && what !== "database") continue;
        this.#looks.push({ what, startedAt: Number(startedAt), endedAt: Number(endedAt), isWell: found === "yes" });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    await this.#read;
  }
}
