import { within } from "./wait-until.ts";

/** What a child process writes to both its streams, in order of arrival, for tests that wait for a line. */
export class ChildOutput {
  /** Complete lines of both streams. */
  readonly lines: string[] = [];
  readonly #text = { stdout: "", stderr: "" };
  readonly #listeners = new Set<() => void>();

  get stdout(): string {
    return this.#text.stdout;
  }

  get stderr(): string {
    return this.#text.stderr;
  }

  /** Reads a stream to its end. */
  async collect(name: "stdout" | "stderr", stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let unfinished = "";
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      this.#text[name] += text;
      const lines = (unfinished + text).split(/\r?\n/);
      unfinished = lines.pop() ?? "";
      this.lines.push(...lines);
      this.#tell();
    }
    if (unfinished !== "") this.lines.push(unfinished);
    this.#tell();
  }

  /**
   * The first line, from line number `from` on, that matches.
   * @throws Error with all output when the deadline passes or `ended` resolves without such a line.
   */
  async waitForLine(
    pattern: RegExp,
    deadlineMs: number,
    from: number,
    ended: Promise<void>,
  ): Promise<RegExpMatchArray> {
    const { promise: found, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
    let next = from;
    const look = () => {
      for (; next < this.lines.length; next++) {
        const match = this.lines[next]?.match(pattern);
        if (match) return resolve(match);
      }
    };
    this.#listeners.add(look);
    look();
    ended.then(() => reject(new Error(`The process ended without a line like ${pattern}`)), reject);
    try {
      return await within(`a line like ${pattern}`, deadlineMs, found);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.lines.join("\n")}`);
    } finally {
      this.#listeners.delete(look);
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
