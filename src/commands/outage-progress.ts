import type { Clock, Timer } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { LoadTally } from "../outage/load-tally.ts";
import type { LiveLoad, Part, Phase, Progress } from "../outage/progress.ts";
import { CLASS_WORDS } from "../reports/outage-words.ts";
import type { LiveLine } from "./live-line.ts";

const REDRAW_EVERY_MS = 250;
const BAR_CHARS = 20;

/** Logs each phase of a run, and on a terminal shows how long the phase lasts already and how the requests fare. */
export class OutageProgress implements Progress, Disposable {
  readonly #parts: { readonly log: Log; readonly line: LiveLine; readonly clock: Clock };
  #phase: { readonly name: Phase; readonly since: number } | undefined;
  #tally: LoadTally | undefined;
  #timer: Timer | undefined;

  constructor(parts: { readonly log: Log; readonly line: LiveLine; readonly clock: Clock }) {
    this.#parts = parts;
  }

  phase(name: Phase, detail: string): void {
    const { log, clock } = this.#parts;
    if (this.#phase?.name !== name) this.#phase = { name, since: clock.now() };
    log.info("outage.phase", `${name.padEnd(9)} ${detail}`, { phase: name });
    if (name === "compare" || name === "clean-up") this[Symbol.dispose]();
    else this.#draw();
  }

  advance(what: string, { done, of, unit }: Part): void {
    const filled = Math.floor((done / of) * BAR_CHARS);
    const bar = "#".repeat(filled) + "-".repeat(BAR_CHARS - filled);
    this.#parts.line.show(`  ${what} [${bar}] ${done} of ${of} ${unit}`);
  }

  watch(load: LiveLoad): void {
    if (!this.#parts.line.isLive) return;
    this.#tally = new LoadTally(load);
    this.#drawLater();
  }

  /** Nothing is shown any more, until the next load. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#tally = undefined;
    this.#parts.line.hide();
  }

  #draw(): void {
    const { clock, line } = this.#parts;
    if (this.#tally === undefined || this.#phase === undefined) {
      line.hide();
      return;
    }
    const { name, since } = this.#phase;
    const counts = this.#tally.count();
    const classes = CLASS_WORDS.flatMap(([requestClass, words]) => {
      const count = requestClass === "cut" ? 0 : counts[requestClass];
      return count === 0 ? [] : [`${count} ${words}`];
    });
    const waiting = counts.waiting === 0 ? [] : [`${counts.waiting} waiting`];
    const seconds = ((clock.now() - since) / 1_000).toFixed(1);
    const circuit = this.#tally.circuit() ?? "not seen yet";
    line.show(
      `  ${name} ${seconds} s | circuit ${circuit} | requests: ${[...classes, ...waiting].join(", ") || "none"}`,
    );
    this.#drawLater();
  }

  #drawLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(REDRAW_EVERY_MS, () => this.#draw());
  }
}
