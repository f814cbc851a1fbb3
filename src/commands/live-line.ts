import type { CommandIo } from "./io.ts";

const CLEAR = "\r\u001B[K";

/** A stream whose last line may change: what is written goes above it. Nothing of it is there once it was hidden. */
export class LiveLine {
  readonly isTTY: boolean;
  /** Only a terminal that can clear a line shows one; anything else gets what is written and no more. */
  readonly isLive: boolean;
  readonly #stream: CommandIo["stderr"];
  #line = "";

  constructor({ stderr, env }: CommandIo, { isPretty }: { readonly isPretty: boolean }) {
    this.#stream = stderr;
    this.isTTY = stderr.isTTY === true;
    this.isLive = this.isTTY && isPretty && env["TERM"] !== "dumb";
  }

  write(text: string): void {
    this.#stream.write(this.#line === "" ? text : `${CLEAR}${text}${this.#line}`);
  }

  /** Shows this in place of the line before, as far as the terminal is wide. */
  show(line: string): void {
    if (!this.isLive) return;
    // One column less: a full line makes some terminals begin a new one. A terminal that does not know says 0.
    this.#line = line.slice(0, (this.#stream.columns || 80) - 1);
    this.#stream.write(CLEAR + this.#line);
  }

  hide(): void {
    if (this.#line !== "") this.#stream.write(CLEAR);
    this.#line = "";
  }
}
